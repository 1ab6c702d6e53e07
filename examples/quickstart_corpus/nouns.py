"""The nouns: one line each, under the class that is also their first tag.

A line reads `english[/plural] | french[/plural] | gender | tags`. Plurals are given if the rules of the two
languages (see `english_inflection` and `french_inflection`) would get them wrong. Tags tell which words suit a noun:
verbs, adjectives and places name those that they require (a noun's own English word is a tag, too). Three are grammar:
`mass` (no plural, no "a"), `paired` (plural only) and `sole` (only with "the").
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

NOUNS: Mapping[str, str] = MappingProxyType(
    {
        "person": """
            man/men | homme | m | adult
            woman/women | femme | f | adult lovely
            boy | garçon | m | young
            girl | fille | f | young lovely
            child/children | enfant | m | young
            king | roi | m | adult royal
            queen | reine | f | adult royal lovely
            prince | prince | m | adult royal
            princess | princesse | f | adult royal lovely
            hero/heroes | héros | m | adult
            lady | dame | f | adult
            teacher | professeur | m | adult skilled
            doctor | médecin | m | adult skilled
            baker | boulanger | m | adult skilled
            farmer | fermier | m | adult
            singer | chanteur | m | adult skilled
            actor | acteur | m | adult skilled
            actress | actrice | f | adult skilled lovely
            waiter | serveur | m | adult
            waitress | serveuse | f | adult
            policeman/policemen | policier | m | adult
            student | étudiant | m | adult foreign
            tourist | touriste | m | adult foreign
            lawyer | avocat | m | adult skilled
            writer | écrivain | m | adult skilled
            soldier | soldat | m | adult
            painter | peintre | m | adult skilled
            journalist | journaliste | m | adult skilled
            pupil | élève | m | young
            worker | ouvrier | m | adult
            customer | client | m | adult
            engineer | ingénieur | m | adult skilled
            mayor | maire | m | adult
        """,
        "kin": """
            mother | mère | f | person grown
            father | père | m | person grown
            brother | frère | m | person several
            sister | sœur | f | person several
            son | fils | m | person several
            aunt | tante | f | person several grown
            uncle | oncle | m | person several grown
            cousin | cousin | m | person several
            grandmother | grand-mère/grands-mères | f | person elder
            grandfather | grand-père/grands-pères | m | person elder
            niece | nièce | f | person several
            nephew | neveu | m | person several
            friend | ami | m | person several skilled aged
            neighbour | voisin | m | person several skilled aged
        """,
        "animal": """
            cat | chat | m | pet furry lovely hunting
            dog | chien | m | pet furry barking lovely hunting
            horse | cheval | m | farmyard furry lovely grazing
            cow | vache | f | farmyard furry grazing
            rabbit | lapin | m | pet furry grazing
            mouse/mice | souris | f | furry
            hamster | hamster | m | pet furry grazing
            parrot | perroquet | m | pet winged grazing
            turtle | tortue | f | pet grazing
            bird | oiseau | m | winged lovely furry
            duck | canard | m | farmyard winged grazing
            owl | hibou/hiboux | m | winged
            hedgehog | hérisson | m | wild
            swallow | hirondelle | f | winged
            eagle | aigle | m | winged lovely hunting
            swan | cygne | m | winged lovely furry
            butterfly | papillon | m | winged lovely
            bee | abeille | f | winged
            lion | lion | m | wild fierce hunting
            tiger | tigre | m | wild fierce hunting
            elephant | éléphant | m | wild
            monkey | singe | m | wild
            bear | ours | m | wild fierce furry hunting
            wolf/wolves | loup | m | wild fierce furry hunting
            fox | renard | m | wild
            donkey | âne | m | farmyard furry grazing
            goat | chèvre | f | farmyard furry grazing
            hen | poule | f | farmyard furry grazing
            pig | cochon | m | farmyard grazing
            squirrel | écureuil | m | wild
            frog | grenouille | f | wild
            snake | serpent | m | wild fierce
            lamb | agneau | m | farmyard lovely grazing
        """,
        "food": """
            apple | pomme | f | fruit fodder
            orange | orange | f | fruit
            banana | banane | f | fruit
            pear | poire | f | fruit fodder
            strawberry | fraise | f | fruit
            cherry | cerise | f | fruit
            lemon | citron | m | fruit
            tomato/tomatoes | tomate | f | fruit
            carrot | carotte | f | fodder
            mushroom | champignon | m | dish
            bean | haricot | m | paired dish
            onion | oignon | m |
            egg | œuf | m | dish
            cake | gâteau | m | dish sweetened baked
            biscuit | biscuit | m | sweetened
            pie | tarte | f | dish sweetened baked
            pancake | crêpe | f | dish sweetened baked
            sandwich | sandwich | m | dish
            omelette | omelette | f | dish
            pizza | pizza | f | dish baked
            lobster | homard | m | dish
            oyster | huître | f | dish
            bread | pain | m | mass fodder baked
            cheese | fromage | m | mass salted origin
            meat | viande | f | mass prey salted
            rice | riz | m | mass dish
            soup | soupe | f | mass dish baked salted
            butter | beurre | m | mass salted
            chocolate | chocolat | m | mass origin
            honey | miel | m | mass
            jam | confiture | f | mass sweetened
            ham | jambon | m | mass salted
            chicken | poulet | m | mass dish baked
            fish | poisson | m | mass prey dish
        """,
        "drink": """
            water | eau | f | mass
            milk | lait | m | mass warm
            coffee | café | m | mass warm brewed
            tea | thé | m | mass warm brewed
            wine | vin | m | mass origin
            juice | jus | m | mass
            beer | bière | f | mass origin
            lemonade | limonade | f | mass
        """,
        "text": """
            book | livre | m | written goods parcel opening origin aged
            letter | lettre | f | written lengthy opening
            newspaper | journal | m | goods origin parcel
            poem | poème | m | written lengthy recited
            story | histoire | f | written lengthy recited
            novel | roman | m | written goods lengthy origin
            magazine | magazine | m | goods origin
            message | message | m | written lengthy
            article | article | m | written lengthy
            report | rapport | m | written lengthy
            dictionary | dictionnaire | m | goods parcel
            recipe | recette | f | origin
        """,
        "teaching": """
            lesson | leçon | f |
            question | question | f |
            exercise | exercice | m |
            problem | problème | m |
            rule | règle | f |
        """,
        "clothes": """
            shirt | chemise | f | goods coloured washable
            dress | robe | f | goods coloured washable lovely
            coat | manteau | m | goods coloured warm
            hat | chapeau | m | goods coloured lovely
            skirt | jupe | f | goods coloured washable lovely
            jacket | veste | f | goods coloured washable warm
            sweater | pull | m | goods coloured washable warm
            scarf/scarves | écharpe | f | goods coloured washable warm lovely
            suit | costume | m | goods
            tie | cravate | f | goods coloured
            ring | bague | f | goods lovely jewel
            uniform | uniforme | m | coloured washable
            shoe | chaussure | f | goods coloured paired comfortable
            glove | gant | m | goods coloured paired warm
            boot | botte | f | goods coloured paired comfortable
            sock | chaussette | f | goods coloured paired washable warm
        """,
        "vehicle": """
            car | voiture | f | goods driven coloured washable origin machine road owned
            bicycle | vélo | m | goods coloured machine owned
            bus/buses | bus | m | driven public road coloured
            train | train | m | public road
            boat | bateau | m | goods coloured lovely owned
            plane | avion | m | public lovely
            truck | camion | m | driven coloured machine road owned
            taxi | taxi | m | driven public road
            motorbike | moto | f | goods driven coloured machine road owned
            helicopter | hélicoptère | m | public coloured
            tractor | tracteur | m | driven coloured machine owned
        """,
        "object": """
            key | clé | f | small
            bag | sac | m | small goods coloured hollow parcel opening
            box | boîte | f | hollow parcel coloured opening
            suitcase | valise | f | small hollow parcel coloured goods opening
            basket | panier | m | hollow parcel goods
            umbrella | parapluie | m | small goods coloured parcel opening
            watch | montre | f | small goods machine jewel origin aged
            phone | téléphone | m | small goods machine aged
            computer | ordinateur | m | goods machine aged
            radio | radio | f | goods machine aged
            clock | horloge | f | goods machine aged
            lamp | lampe | f | goods fragile machine
            mirror | miroir | m | goods fragile viewed
            knife/knives | couteau | m | washable goods tool
            fork | fourchette | f | washable
            spoon | cuillère | f | washable
            glass | verre | m | washable fragile hollow
            cup | tasse | f | washable fragile hollow coloured
            plate | assiette | f | washable fragile coloured
            bottle | bouteille | f | fragile hollow opening parcel
            ball | ballon | m | thrown toy coloured goods
            doll | poupée | f | toy goods lovely
            pen | stylo | m | small coloured tool
            pencil | crayon | m | small coloured tool
            candle | bougie | f | goods coloured
            gift | cadeau | m | parcel opening
            photo | photo | f | viewed lovely small
            painting | tableau | m | viewed lovely goods
            map | carte | f | viewed small goods
            ticket | billet | m | small goods
            hammer | marteau | m | tool
            axe | hache | f | tool
            stone | pierre | f | thrown
            flower | fleur | f | coloured lovely viewed goods scented
            rose | rose | f | coloured lovely viewed goods scented
        """,
        "furniture": """
            table | table | f | goods coloured tidied
            chair | chaise | f | goods coloured seat
            bed | lit | m | goods seat
            armchair | fauteuil | m | goods coloured seat
            sofa | canapé | m | goods coloured seat
            wardrobe | armoire | f | goods hollow opening
            desk | bureau | m | goods tidied
            carpet | tapis | m | goods coloured
            bench | banc | m | coloured
            cupboard | placard | m | hollow opening tidied
            fridge | frigo | m | hollow opening tidied goods
            door | porte | f | opening coloured
            window | fenêtre | f | opening fragile washable
            wall | mur | m | coloured built
            roof | toit | m | coloured mended
        """,
        "building": """
            house | maison | f | built owned coloured tidied lovely
            school | école | f | built
            church | église | f | built visited lovely aged
            castle | château | m | built visited lovely aged
            museum | musée | m | built visited
            hospital | hôpital | m | built
            hotel | hôtel | m | built lovely
            shop | magasin | m |
            library | bibliothèque | f | visited
            restaurant | restaurant | m | origin rated
            cinema | cinéma | m |
            theatre | théâtre | m | visited
            station | gare | f |
            factory | usine | f | built visited
            bakery | boulangerie | f |
            bridge | pont | m | built aged
            tower | tour | f | built visited
            farm | ferme | f | visited
            office | bureau | m | tidied
        """,
        "place": """
            garden | jardin | m | owned visited lovely
            park | parc | m | visited lovely
            street | rue | f | lengthy
            village | village | m | visited lovely
            city | ville | f | visited lovely
            kitchen | cuisine | f | owned tidied room
            bedroom | chambre | f | owned tidied room
            market | marché | m |
            square | place | f |
            yard | cour | f |
            field | champ | m |
        """,
        "nature": """
            mountain | montagne | f | lovely
            river | rivière | f | lovely lengthy
            lake | lac | m | lovely
            forest | forêt | f | lovely
            beach | plage | f | lovely
            island | île | f | lovely visited
            tree | arbre | m | lovely
            sea | mer | f | sole
            moon | lune | f | sole lovely
            sky | ciel | m | sole lovely
        """,
        "instrument": """
            piano | piano | m | goods
            guitar | guitare | f | goods
            violin | violon | m | goods
            flute | flûte | f | goods
            harp | harpe | f | goods
            trumpet | trompette | f | goods
            accordion | accordéon | m | goods
        """,
        "sound": """
            song | chanson | f | sung
            music | musique | f | mass liked
            noise | bruit | m |
            voice | voix | f | owned
        """,
        "sport": """
            football | football | m | mass liked
            tennis | tennis | m | mass liked
            rugby | rugby | m | mass liked
            basketball | basket | m | mass liked
            chess/chess | échecs/échecs | m | paired
            card | carte | f | paired
        """,
        "subject": """
            history | histoire | f | mass liked
            physics | physique | f | mass liked
            biology | biologie | f | mass liked
            English | anglais | m | mass liked language
            French | français | m | mass liked language
            Spanish | espagnol | m | mass liked language
            German | allemand | m | mass liked language
        """,
    }
)
