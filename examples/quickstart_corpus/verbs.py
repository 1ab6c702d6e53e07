"""The verbs: one line each, by the frame they stand in.

A line reads `english [preposition] | french [preposition] | subjects | objects [| flags]`, with tags of nouns for
subjects and objects. An English preposition without a French one belongs to the verb ("look for", "chercher"), and the
other way round ("answer", "répondre à"). Flags: `state` (no passé composé is natural: never in the past), `definite`
(its object is definite: the, this, my), `generic` (its object may be a whole kind: "likes cats", "aime les chats"),
`bare` (its object never has an adjective), `far` (a recipient stays behind: "explains the rule to him"), `placed`
(never without a place: "vit" may stand alone, "habite" may not), `known` (its object is in the singular, with "the":
"va à l'école", but hardly "va à cette école").
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

VERBS: Mapping[str, str] = MappingProxyType(
    {
        "direct": """
            see | voir | person animal | person kin animal vehicle building nature
            look at | regarder | person | viewed lovely animal building clothes
            look at | regarder | person | nature
            look for | chercher | person | small kin pet text clothes shop restaurant hotel station
            find | trouver | person | small goods text pet
            lose | perdre | person | small ring watch glove scarf hat pet
            eat | manger | person | food
            eat | manger | grazing | fodder
            eat | manger | hunting | prey
            drink | boire | person | drink
            drink | boire | grazing hunting | water milk
            read | lire | person | text
            write | écrire | person | written
            translate | traduire | adult kin | text
            buy | acheter | adult kin | goods food
            sell | vendre | adult kin | goods
            choose | choisir | person | goods dish
            bring | apporter | person | parcel dish drink flower chair
            carry | porter | person | parcel chair
            like | aimer | person | food drink pet liked scented city sea | state generic
            love | adorer | person | food drink animal liked scented garden village sea | state generic
            hate | détester | person | food brewed liked snake mouse | state generic
            prefer | préférer | person | food drink pet liked | state generic
            open | ouvrir | person | opening | definite
            close | fermer | person | door window box wardrobe cupboard suitcase shop | definite
            wash | laver | person | washable dog | definite
            clean | nettoyer | person | tidied | definite
            wear | porter | person | clothes
            draw | dessiner | person | animal tree house castle flower map boat
            paint | peindre | adult kin | door wall house chair boat flower horse
            take | prendre | person | small public text
            break | casser | person | fragile toy chair
            repair | réparer | adult kin | machine mended boat bed chair | definite
            help | aider | person | person kin | definite
            know | connaître | person | person kin visited | state definite
            meet | rencontrer | person | adult several
            visit | visiter | person | visited
            invite | inviter | person | person kin | definite
            call | appeler | person | adult kin | definite
            wait for | attendre | person | kin adult public
            listen to | écouter | person | singer teacher kin song music radio | definite
            follow | suivre | person | adult kin pet car | definite
            thank | remercier | person | adult kin | definite
            forget | oublier | person | small teaching | definite
            hide | cacher | person | key gift photo letter toy ring box
            photograph | photographier | adult kin | animal building nature scented | definite
            feed | nourrir | person | pet farmyard | definite
            push | pousser | person | chair table car bicycle door | definite
            drive | conduire | adult | driven | definite
            build | construire | adult | built
            prepare | préparer | adult kin | dish brewed
            sing | chanter | person | sung
            learn | apprendre | person | recited lesson rule song | definite
            learn | apprendre | person | language | generic
            study | étudier | person | subject | generic bare
            keep | garder | person | gift letter photo ring key toy | definite
            throw | lancer | person | thrown
            finish | finir | person | text exercise soup cake dish | definite
            receive | recevoir | person | letter message gift newspaper
            use | utiliser | person | tool machine dictionary
            touch | toucher | young | animal wall piano | definite
            admire | admirer | person | lovely building | definite
            recognise | reconnaître | person | person kin voice song | definite
            understand | comprendre | person | teaching text song | definite
            hear | entendre | person animal | kin song barking winged
            hear | entendre | person animal | noise voice music
            catch | attraper | young | thrown frog butterfly hen
        """,
        "oblique": """
            talk to | parler à | person | person kin
            answer | répondre à | person | person kin | definite
            smile at | sourire à | person | person kin
            obey | obéir à | young | kin teacher king | definite
            play | jouer de | person | instrument | definite bare
            play | jouer à | person | sport | generic bare
            answer | répondre à | person | question letter message
            go to | aller à | person | market beach station restaurant school office cinema theatre hospital | known
            come from | venir de | person | market beach station restaurant school office cinema library | definite
            come back from | revenir de | person | market beach station school office hospital | definite
            enter | entrer dans | person | house church shop castle garden kitchen bedroom bakery forest | definite
        """,
        "dative": """
            give | donner | person | parcel small toy flower food
            show | montrer | person | viewed small text
            send | envoyer | adult kin | letter message gift book photo
            lend | prêter | person | small goods
            offer | offrir | person | flower jewel book food
            tell | raconter | person | story | definite
            explain | expliquer | person | teaching recipe | far definite
            sell | vendre | adult | car bicycle boat truck motorbike house seat table wardrobe desk carpet
        """,
        "intransitive": """
            sleep | dormir | person animal | indoors bedding
            run | courir | person pet | outdoors
            walk | marcher | person | outdoors
            swim | nager | person | water
            sing | chanter | person | indoors outdoors
            dance | danser | person | indoors outdoors
            work | travailler | adult kin | work
            cry | pleurer | person | indoors
            laugh | rire | person | outdoors
            smile | sourire | person |
            shout | crier | person | outdoors
            dream | rêver | person |
            snore | ronfler | person | indoors
            travel | voyager | adult kin | abroad
            live | habiter | person | abroad home | state placed
            play | jouer | young pet | indoors outdoors
            jump | sauter | young pet | outdoors
            wait | attendre | person | meeting
            arrive | arriver | person | meeting
            leave | partir | person |
            fall | tomber | person | outdoors
            stay | rester | person | indoors abroad
            bark | aboyer | barking | outdoors
            fly | voler | winged |
            rest | se reposer | person animal | indoors outdoors
            wake up | se réveiller | person |
            get up | se lever | person |
        """,
        "that": """
            think | penser | person | | state
            say | dire | person | | state
            know | savoir | person | | state
            believe | croire | person | | state
        """,
        "infinitive": """
            want to | vouloir | person | | state
            can | pouvoir | person | | state
            must | devoir | person | | state
            be going to | aller | person | | state
            like to | aimer | person | | state
            try to | essayer de | person | |
            begin to | commencer à | person | |
            forget to | oublier de | person | |
            refuse to | refuser de | person | |
            hope to | espérer | person | | state
        """,
    }
)
