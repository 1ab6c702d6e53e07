// Questions to the server that this page came from.

let apiKey = null;

// A refusal: its status, 0 if no answer came; what the server said; and after how many seconds to ask again.
class Refusal extends Error {
  constructor(status, told, seconds) {
    super(told);
    Object.assign(this, { status, seconds });
  }
}

// Returns the answer as JSON. Throws a Refusal, or the browser's AbortError if the signal ends the question.
const askServer = async (path, body, signal) => {
  const headers = { Accept: "application/json" };
  if (apiKey !== null) headers.Authorization = `Bearer ${apiKey}`;
  const request = { headers, signal, cache: "no-store", redirect: "error" };
  if (body !== null) {
    headers["Content-Type"] = "application/json";
    Object.assign(request, { method: "POST", body: JSON.stringify(body) });
  }
  try {
    const answer = await fetch(path, request);
    if (answer.ok) return await answer.json();
    const { error } = await answer.json().catch(() => ({}));
    throw new Refusal(answer.status, typeof error === "string" ? error : "", Number(answer.headers.get("Retry-After")) || null);
  } catch (error) {
    if (error instanceof Refusal || signal?.aborted) throw error;
    throw new Refusal(0, "", null);
  }
};
