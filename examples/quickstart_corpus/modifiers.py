"""The words other than nouns and verbs: adjectives, adverbs, times, places, names, numbers, professions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

ADJECTIVES: Mapping[str, str] = MappingProxyType(
    {
        # english[/comparative] | french[/feminine[/before a vowel]] | tags of its nouns | more tags, after "is" only
        "front": """
            big/bigger | gros/grosse | dog cat rabbit pig fierce box suitcase bag stone cake truck lobster | elephant
            large/larger | grand | house garden park city kitchen bedroom church castle factory table mirror |
            tall/taller | grand | tree | person
            small/smaller | petit | animal house garden village kitchen bedroom box bag lamp table key boat shop |
            old/older | vieux/vieille/vieil | adult pet horse donkey clothes vehicle furniture house tree aged | kin
            young/younger | jeune | adult | kin
            new | nouveau/nouvelle/nouvel | clothes vehicle machine teacher neighbour friend novel school hotel bag |
            beautiful/more | beau/belle/bel | lovely voice |
            pretty/prettier | joli | girl dress skirt hat scarf ring house garden village scented doll photo |
            good | bon/bonne | dish baked fruit wine beer coffee text rated teacher doctor singer actor friend |
            bad | mauvais | text rated wine coffee singer actor |
            kind/kinder | gentil/gentille | person |
            long/longer | long/longue | lengthy |
            other | autre | adult young several animal clothes vehicle object text building |
        """,
        "colour": """
            black | noir | coloured furry coffee |
            white | blanc/blanche | coloured furry wine moon |
            red | rouge | coloured wine apple tomato |
            green | vert | coloured apple tea parrot frog |
            blue | bleu | coloured sky |
            yellow | jaune | coloured |
            grey | gris | coloured sky cat horse mouse donkey wolf rabbit |
            brown | marron/marron | coloured dog horse cow bear hen |
            pink | rose | coloured |
            purple | violet/violette | coloured |
        """,
        "origin": """
            French | français | origin skilled foreign |
            English | anglais | origin skilled foreign |
            Italian | italien | origin skilled foreign |
            Spanish | espagnol | origin skilled foreign |
            German | allemand | origin skilled foreign |
            Japanese | japonais | origin skilled foreign |
            American | américain | origin skilled foreign |
        """,
        "behind": """
            happy/happier | heureux | person |
            sad/sadder | triste | person story poem novel song |
            tired/more | fatigué | person farmyard pet | animal
            sick/sicker | malade | person pet farmyard |
            intelligent/more | intelligent | person dog monkey horse |
            strong/stronger | fort | soldier worker farmer hero | person bear lion tiger elephant horse
            famous/more | célèbre | skilled novel museum painting song castle city |
            rich/richer | riche | adult | person
            polite/more | poli | adult young |
            shy/more | timide | young student |
            brave/braver | courageux | soldier prince princess policeman woman king queen | person
            generous/more | généreux | adult kin |
            serious/more | sérieux | adult young |
            curious/more | curieux | young cat monkey journalist tourist | person animal
            proud/prouder | fier/fière | father mother king queen soldier | person
            jealous/more | jaloux | brother sister queen king | person
            elegant/more | élégant | lady woman actress suit tie dress hat coat shoe |
            lazy/lazier | paresseux | pupil student worker cat donkey | person
            patient/more | patient | teacher doctor customer waiter | person
            funny/funnier | drôle | actor singer boy monkey parrot novel story poem | person
            honest/more | honnête | lawyer journalist mayor worker baker friend | person
            nervous/more | nerveux | horse student dog | person
            ready | prêt | | person dish
            alone | seul | | person
            dangerous/more | dangereux | fierce road knife | tool
            wild/wilder | sauvage | rabbit cat horse duck bird goat |
            fast/faster | rapide | vehicle horse |
            slow/slower | lent | train bus computer | turtle
            delicious | délicieux | food |
            hot/hotter | chaud | baked brewed milk |
            warm/warmer | chaud | warm |
            cold/colder | froid | water milk beer soup chicken tea juice | sea
            fresh/fresher | frais/fraîche | fruit carrot mushroom egg bread fish butter |
            sweet/sweeter | sucré | | sweetened fruit
            salty/saltier | salé | butter | salted
            interesting/more | intéressant | text teaching museum |
            boring/more | ennuyeux | text teaching |
            important/more | important | letter message report article rule question |
            difficult/more | difficile | teaching poem |
            easy/easier | facile | teaching recipe |
            strange/stranger | étrange | story noise voice painting message hat |
            heavy/heavier | lourd | parcel stone wardrobe table hammer coat tool |
            light/lighter | léger/légère | bicycle basket dress jacket bag suitcase |
            expensive/more | cher/chère | goods restaurant hotel |
            empty | vide | hollow shop restaurant street church beach room |
            full | plein | hollow |
            broken | cassé | fragile chair doll clock watch |
            round | rond | moon table mirror carpet plate box |
            square | carré | table box carpet |
            dirty/dirtier | sale | washable tidied shoe boot street |
            clean/cleaner | propre | washable tidied street |
            modern/more | moderne | building kitchen furniture |
            useful/more | utile | tool dictionary computer phone map book |
            magnificent | magnifique | castle church garden horse dress mountain lake painting rose island sky |
            comfortable/more | confortable | seat comfortable hotel train |
            narrow/narrower | étroit | street bridge bed |
            wide/wider | large | street river |
            deep/deeper | profond | lake river |
            quiet/quieter | calme | street village library park square hotel |
            noisy/noisier | bruyant | street restaurant station city motorbike tractor |
            dark/darker | sombre | sky forest kitchen church castle bedroom street |
            fragile/more | fragile | fragile violin |
            closed | fermé | | door window shop box cupboard museum library restaurant market
        """,
    }
)

# english | french | alignment if the two do not correspond word for word
FREQUENCIES = """
    always | toujours
    often | souvent
    sometimes | parfois
    rarely | rarement
"""

MANNERS: Mapping[str, str] = MappingProxyType(
    {
        "well": "bien | sleep sing dance work swim",
        "badly": "mal | sleep sing dance",
        "quickly": "rapidement | run walk swim work",
        "slowly": "lentement | walk swim work",
        "quietly": "doucement | sing cry laugh",
        "loudly": "bruyamment | snore laugh bark",
        "patiently": "patiemment | wait work",
    }
)

TIMES: Mapping[str, str] = MappingProxyType(
    {
        "present": """
            every day | tous les jours | 0-0 0-1 1-2
            every evening | tous les soirs | 0-0 0-1 1-2
            in the morning | le matin | 0-0 1-0 2-1
            in the evening | le soir | 0-0 1-0 2-1
            on Sundays | le dimanche
            on Mondays | le lundi
        """,
        "seasons": """
            in summer | en été
            in winter | en hiver
        """,
        "state": """
            today | aujourd'hui
            now | maintenant
        """,
        "past": """
            yesterday | hier
            this morning | ce matin
            last night | hier soir | 0-0 1-1
            on Monday | lundi | 0-0 1-0
            on Saturday | samedi | 0-0 1-0
            two days ago | il y a deux jours | 0-3 1-4 2-0 2-1 2-2
        """,
        "long past": """
            last week | la semaine dernière | 0-0 0-2 1-1
            last year | l'année dernière | 0-1 1-0
            last summer | l'été dernier | 0-1 1-0
        """,
        "future": """
            tomorrow | demain
            tonight | ce soir | 0-0 0-1
        """,
        "long future": """
            next week | la semaine prochaine | 0-0 0-2 1-1
            next year | l'année prochaine | 0-1 1-0
            next summer | l'été prochain | 0-1 1-0
        """,
    }
)

PREPOSITIONS: Mapping[str, str] = MappingProxyType(
    {
        "in": "dans",
        "at": "à",
        "on": "sur",
        "under": "sous",
        "behind": "derrière",
        "in front of": "devant",
        "near": "près de",
        "next to": "à côté de",
        "with": "avec",
        "without": "sans",
        "for": "pour",
    }
)

# Places of an event: the nouns after each preposition.
PLACES: Mapping[str, str] = MappingProxyType(
    {
        "outdoors": """
            in | garden park street forest field yard village
            near | river lake beach church bridge school station
            behind | house church castle hospital factory
            in front of | house school church museum hotel bakery
            under | tree bridge
            next to | river library station park
        """,
        "wild": """
            in | forest field garden
            near | river lake house farm tree
            behind | house farm tree
            under | tree bridge
        """,
        "indoors": """
            in | kitchen bedroom house church castle library office
            at | hotel theatre school restaurant
            near | window door
            next to | window
        """,
        "bedding": """
            on | sofa bed carpet bench
            in | bedroom armchair
            under | tree
        """,
        "furnished": """
            on | sofa bed chair carpet table
            under | table bed desk chair
            behind | door sofa armchair
            next to | armchair sofa bed
            in front of | door window
        """,
        "surface": """
            on | table desk chair bench bed
            under | bed table chair
            in | kitchen bedroom cupboard wardrobe
            behind | door sofa
            next to | lamp computer
        """,
        "stored": """
            in | fridge cupboard basket kitchen
            on | table
        """,
        "water": """
            in | lake river sea
        """,
        "work": """
            at | hospital school office restaurant theatre station market
            in | garden factory bakery shop library museum field
            near | park station church
        """,
        "meeting": """
            at | station market restaurant cinema theatre beach
            in front of | school church museum station bakery theatre hotel
            behind | church station
            near | bridge park lake
        """,
        "home": """
            in | house castle village
            near | park river church station school
            behind | school library
            next to | bakery hospital
        """,
        "sights": """
            near | park river church station lake
            behind | station hospital market
            next to | museum bakery library
            in front of | park hotel
        """,
    }
)

ABROAD = """
    in Paris | à Paris
    in London | à Londres
    in Rome | à Rome
    in Madrid | à Madrid
    in Berlin | à Berlin
    in Lyon | à Lyon
    in France | en France
    in Italy | en Italie
    in Spain | en Espagne
    in Germany | en Allemagne
    in England | en Angleterre
    in Japan | au Japon
    in Canada | au Canada
    in Portugal | au Portugal
"""

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "m": "Paul Pierre Thomas Lucas Antoine Louis Olivier Arthur Nicolas David Simon Martin",
        "f": "Marie Julie Sophie Claire Anne Alice Emma Isabelle Nina Sarah Laura Charlotte",
    }
)

NUMBERS = """
    two | deux
    three | trois
    four | quatre
    five | cinq
    six | six
    seven | sept
    eight | huit
    ten | dix
    twelve | douze
    twenty | vingt
"""

# By the generation that may have that age: a grandmother is an elder, an uncle is grown.
AGES: Mapping[str, str] = MappingProxyType(
    {
        "any": """
            six | six
            seven | sept
            eight | huit
            ten | dix
            twelve | douze
            fifteen | quinze
            twenty | vingt
        """,
        "grown": """
            thirty | trente
            forty | quarante
        """,
        "elder": """
            fifty | cinquante
            sixty | soixante
            seventy | soixante-dix
        """,
    }
)

# english | masculine | feminine, as said of somebody ("Marie est avocate")
PROFESSIONS = """
    teacher | professeur | professeure
    doctor | médecin | médecin
    baker | boulanger | boulangère
    singer | chanteur | chanteuse
    lawyer | avocat | avocate
    writer | écrivain | écrivaine
    journalist | journaliste | journaliste
    engineer | ingénieur | ingénieure
    student | étudiant | étudiante
    nurse | infirmier | infirmière
    hairdresser | coiffeur | coiffeuse
    dancer | danseur | danseuse
"""

# States that one is in, in English, and has, in French
STATES = """
    hungry | faim
    thirsty | soif
    sleepy | sommeil
    afraid | peur
    right | raison
    wrong | tort
"""
