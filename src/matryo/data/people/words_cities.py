"""Cities by paraphrase: dating by what one sees there, hiring by region and by the code of the airport."""

from collections.abc import Mapping

from matryo.data.people.render_telling import Values

# city: what one sees (each after "I live in"), the region (after "based in"), the airport
_CITIES: Mapping[str, tuple[tuple[str, ...], str, str]] = {
    "Amsterdam": (("a town of canals and houseboats", "a place of tulips and bicycles"), "the Netherlands", "AMS"),
    "Athens": (("the town below the Acropolis", "a place of olives and marble temples"), "Greece", "ATH"),
    "Austin": (("a town of bats and cowboy hats", "a place of tacos and loud bands"), "Texas", "AUS"),
    "Barcelona": (("the town of Gaudi and tapas", "the place where Gaudi left his spires"), "Catalonia", "BCN"),
    "Berlin": (("a town of graffiti and currywurst", "the place where a wall once fell"), "the German capital", "BER"),
    "Boston": (("the town of lobster rolls and tea in the harbour", "the place where the marathon hill breaks hearts"),
               "Massachusetts", "BOS"),
    "Chicago": (("the windy town of thick-crust pizza", "a windy place beside a great lake"), "Illinois", "ORD"),
    "Copenhagen": (("the town of the little mermaid", "a place of mermaids and hygge"), "Denmark", "CPH"),
    "Denver": (("the town a mile up in the Rockies", "a place a mile above the prairie"), "Colorado", "DEN"),
    "Dublin": (("a town of stout and fiddles", "the place where Joyce used to drink"), "Ireland", "DUB"),
    "Edinburgh": (("a town of bagpipes and a castle rock", "a place of kilts and haggis"), "Scotland", "EDI"),
    "Lisbon": (("a town of fado and yellow trams", "a place of custard tarts and seven hills"), "Portugal", "LIS"),
    "London": (("the town of red buses and Big Ben", "a place of double-deckers on the Thames"),
               "southern England", "LHR"),
    "Madrid": (("the town of the Prado and midnight churros", "a place of bullrings and the Prado"),
               "central Spain", "MAD"),
    "Melbourne": (("a town of laneways and flat whites", "a place of koalas and four seasons in one day"),
                  "the state of Victoria", "MEL"),
    "Montreal": (("a town of poutine and bagels", "a place of snow and smoked meat"), "Quebec", "YUL"),
    "Munich": (("the town of Oktoberfest and lederhosen", "a place of beer tents and pretzels"), "Bavaria", "MUC"),
    "New York": (("the town that never sleeps", "a place of yellow cabs and skyscrapers"),
                 "the tri-state region", "JFK"),
    "Paris": (("the town of the Eiffel tower", "a place of croissants along the Seine"), "France", "CDG"),
    "Portland": (("a town of roses and doughnuts", "a place of bearded hipsters and rain"), "Oregon", "PDX"),
    "Prague": (("the town of a hundred spires", "a place of Kafka and dumplings"), "the Czech Republic", "PRG"),
    "San Francisco": (("the town of the Golden Gate", "a place of fog and cable cars"), "northern California", "SFO"),
    "Seattle": (("the town of the Space Needle", "a place of drizzle and grunge"), "Washington State", "SEA"),
    "Singapore": (("a town of hawker stalls and the merlion", "a hot island of hawkers and orchids"),
                  "the Malay Peninsula", "SIN"),
    "Stockholm": (("a town on fourteen islands", "the place where Nobel medals are hung"), "Sweden", "ARN"),
    "Sydney": (("the town of the white opera sails", "a place of surfers and opera sails"),
               "the state of New South Wales", "SYD"),
    "Toronto": (("a town of maple leaves and raccoons", "a place across the lake from Niagara"), "Ontario", "YYZ"),
    "Vancouver": (("a town between ocean and ski slopes", "a place of orcas and cedars"), "British Columbia", "YVR"),
    "Vienna": (("a town of waltzes and Sachertorte", "a place where Mozart and Klimt linger"),
               "eastern Austria", "VIE"),
    "Zurich": (("a town of fondue and golden vaults", "a place of wristwatches and fondue"), "Switzerland", "ZRH"),
}  # fmt: skip
CITIES_SEEN: Values = {city: seen for city, (seen, _, _) in _CITIES.items()}
CITIES_REACHED: Values = {
    city: (region, f"the {airport} airport area") for city, (_, region, airport) in _CITIES.items()
}
