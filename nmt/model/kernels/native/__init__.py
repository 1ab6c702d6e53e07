"""The kernels in C++ (`kernels.cpp`), for processors."""
