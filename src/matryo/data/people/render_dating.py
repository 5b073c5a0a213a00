"""The eight dating templates. Their own words stay clear of those of the hiring templates; a test compares them."""

from collections.abc import Mapping

from matryo.data.people.render_telling import Frames, Template

_BELIEFS: Frames = ("Close to my heart: {beliefs}.", "Sacred to me: {beliefs}.", "Ask me about {beliefs}.")
_DEALBREAKERS: Frames = (
    "Dealbreakers: {dealbreakers}.",
    "A hard no for me: {dealbreakers}.",
    "Please swipe left for {dealbreakers}.",
)
_INNER = ("traits", "communication", "attachment", "mbti")

INTRO_FIRST = Template(
    first=(
        (
            "Hi there!",
            "Hello!",
            "Hey, nice of you to drop by.",
            "Hi, lovely to see you here.",
            "Good evening, stranger.",
            "Hey you.",
        ),
        (
            "I am {age}, my home is {city}, and I {career}.",
            "I am {age}, I wake up in {city} and I {career}.",
            "I {career}, sleep in {city} and am {age}.",
        ),
        ("My friends say I {part1}.", "Honestly, I {part1}.", "I {part1}."),
        ("I also {part2}.", "On top of that I {part2}.", "And yes, I {part2}."),
    ),
    free=(
        (
            "What matters to me: {values}.",
            "I hold on to {values}.",
            "I would never give up {values}.",
            "To me nothing tops {values}.",
            "{Values}: those I will not trade.",
        ),
        (
            "I love {interests}.",
            "My free hours go to {interests}.",
            "Give me {interests}.",
            "Ask what I love and I say {interests}.",
            "Most Sundays go to {interests}.",
        ),
        _BELIEFS,
    ),
    last=(
        (
            "I {kids}, and I hope to find {goal}.",
            "I {kids}, and I am here for {goal}.",
            "As for little ones, I {kids}; as for us, I am after {goal}.",
        ),
    ),
    pool=_INNER,
    n_items=3,
)
PERSONALITY_LED = Template(
    first=(
        (
            "In a nutshell, I {traits}.",
            "Summed up: I {traits}.",
            "People who know me nod when I say that I {traits}.",
            "I {traits}. That is me.",
        ),
        ("I {mbti}.", "Deep down I {mbti}.", "More often than not I {mbti}.", "You will notice that I {mbti}."),
        (
            "With someone I like I {communication} and {attachment}.",
            "In love I {attachment}, and I {communication}.",
            "As a partner I {communication} and {attachment}.",
        ),
    ),
    free=(
        (
            "My heart beats for {values}.",
            "Nothing beats {values}, if you ask me.",
            "I swear by {values}.",
            "It all comes down to {values}.",
        ),
        ("I adore {interests}.", "I fill my weekends with {interests}.", "Most weekends vanish into {interests}."),
        _BELIEFS,
    ),
    last=(
        ("And so: I am {age}, home is {city}, and I {career}.", "Also: I am {age}, my home is {city} and I {career}."),
        (
            "Looking for {goal}, hopefully {relationship_style}.",
            "I wish for {goal}: {relationship_style}.",
            "Dream scenario: {goal}, {relationship_style}.",
        ),
    ),
    n_items=2,
)
VALUES_FIRST = Template(
    first=(
        (
            "First of all, what matters: {values}.",
            "{Values}: that is me.",
            "Four things I never drop: {values}.",
            "I believe in {values}.",
            "Ask anyone what moves me and you will hear: {values}.",
        ),
        _BELIEFS,
        (
            "So it is no surprise that I {part1}.",
            "You can tell: I {part1}.",
            "Apart from this I {part1}.",
            "Little wonder, then, that I {part1}.",
            "Otherwise I {part1}.",
        ),
    ),
    free=(
        (
            "When upset I {communication}; when in love I {attachment}.",
            "I {communication}, and once smitten I {attachment}.",
        ),
        (
            "I am {age}, I {career}, and my home is {city}.",
            "For the curious: I am {age}, home is {city}, and I {career}.",
        ),
    ),
    last=(
        (
            "I {kids}, and I dream of {goal}.",
            "I {kids}; I am here for {goal}.",
            "I {kids}, and {goal} would be lovely.",
        ),
        _DEALBREAKERS,
    ),
    pool=("traits", "mbti"),
    n_parts=1,
)
CASUAL = Template(
    first=(
        (
            "Okay, here goes!",
            "So, hmm, where to begin?",
            "Never done this before, haha.",
            "Alright then.",
            "Ugh, bios. Fine.",
            "My sister made me write this.",
        ),
        ("I am {age}, home: {city}.", "I am {age}, hanging out in {city}."),
        (
            "To pay the rent I {career}.",
            "Monday to Friday I {career}, yay.",
            "Grown-up me has to {career}.",
            "Somebody lets me {career}, lol.",
        ),
    ),
    free=(
        ("I {part1}, haha.", "Fair warning: I {part1}.", "I {part1}. Sorry not sorry."),
        (
            "I {part2}, just so you know.",
            "Oh, and I {part2}.",
            "Guess what: I {part2}.",
            "Also, hmm, I {part2}.",
            "Plot twist: I {part2}.",
        ),
        (
            "Big on {values}.",
            "Huge fan of {values}.",
            "Can we agree on {values}?",
            "{Values}: yes, please.",
            "Will fight you over {values}.",
        ),
        ("Bribe me with {interests}, {lifestyle}.", "Always up for {interests}, {lifestyle}."),
        _BELIEFS,
    ),
    last=(
        (
            "Up for {goal}? Text me.",
            "Here for {goal}, so message me.",
            "If {goal} sounds fun, say hi.",
            "Keen on {goal}? Say hi.",
        ),
    ),
    pool=_INNER,
    n_items=2,
)
INTERESTS_LED = Template(
    first=(
        (
            "{Interests}: there go my weekends.",
            "You can win me over with {interests}.",
            "I cannot get enough of {interests}.",
            "Give me {interests} any Saturday.",
            "Ever bonded over {interests}? Let me show you how.",
        ),
        ("Throw in {lifestyle} and I smile.", "My little paradise: {lifestyle}.", "Then come {lifestyle}."),
    ),
    free=(
        ("I {part1}.", "Some say I {part1}.", "It fits that I {part1}.", "You might notice that I {part1}."),
        ("I {part2}.", "As for my quirks, I {part2}.", "Once the fun is over I {part2}.", "Quirks? I {part2}."),
        (
            "Hobbies aside, I need {values}.",
            "Away from all hobbies I cling to {values}.",
            "A shared hobby is sweet, but {values} come first.",
            "Above all I treasure {values}.",
        ),
        ("I am {age}, at home in {city}, and I {career}.", "Home is {city}, I am {age} and I {career}."),
        _BELIEFS,
    ),
    last=(
        (
            "Come along? I want {goal}: {relationship_style}.",
            "Try me: {goal}, {relationship_style}.",
            "Up for {goal}, {relationship_style}?",
        ),
    ),
    pool=_INNER,
    n_items=3,
)
BRIEF = Template(
    first=(
        ("Home: {city}.", "I call {city} home."),
        ("I {career}.", "By day I {career}."),
    ),
    free=(
        ("I {traits}, and I {communication}.", "I {communication}, {traits}."),
        ("{Values}, always.", "{Values} first.", "Never without {values}.", "Heart set on {values}."),
        ("Love {interests}.", "Crazy about {interests}.", "{Interests}: yes please."),
    ),
    last=(("Here for {goal}.", "Hoping for {goal}.", "Wanted: {goal}."),),
    n_items=2,
    n_traits=2,
    n_values=2,
)
NARRATIVE = Template(
    first=(
        (
            "Fate dropped me in {city}, and I never left.",
            "My story is set in {city}.",
            "Once upon a morning I woke up in {city} and stayed.",
            "Picture a morning in {city}, and me in it.",
        ),
        (
            "I {career}, and suddenly I am {age}.",
            "Now I am {age} and {career}.",
            "Pages later I am {age} and I {career}.",
        ),
        ("Ever since childhood I {part1}.", "Grandmother used to say that I {part1}.", "I {part1}."),
        (
            "Along the way I found that I {part2}.",
            "It took me ages to see that I {part2}.",
            "Only later did I grasp that I {part2}.",
        ),
    ),
    free=(
        (
            "One winter I saw what I cherish: {values}.",
            "What stayed with me through it all: {values}.",
            "Each chapter came back to {values}.",
        ),
        (
            "Golden chapters had {interests} in them.",
            "Between chapters: {interests}.",
            "On quieter pages you meet {interests}.",
        ),
        _BELIEFS,
    ),
    last=(
        (
            "Next chapter: {goal}. I {kids}.",
            "How it ends? With {goal}, I hope. I {kids}.",
            "I {kids}; the page ahead says {goal}.",
        ),
    ),
    pool=_INNER,
    n_items=2,
)
PSYCHOLOGY_FORWARD = Template(
    first=(
        ("How I tick: I {traits}.", "My inner landscape: I {traits}.", "Looking inward, I {traits}."),
        ("I {mbti}, the quizzes say.", "In quizzes it turns out that I {mbti}.", "On a good day I {mbti}."),
        ("When I love someone I {attachment}.", "Up close I {attachment}.", "In love, being honest, I {attachment}."),
        (
            "In a quarrel I {communication}.",
            "If feelings boil over I {communication}.",
            "Even when it gets heated I {communication}.",
        ),
    ),
    free=(
        ("At the bottom of it all: {values}.", "My guiding star: {values}.", "What I keep coming back to: {values}."),
        ("I am {age}, my home is {city}, and I {career}.", "Outwardly: {age}, home in {city}; I {career}."),
        _BELIEFS,
    ),
    last=(
        (
            "I hope for {goal}.",
            "I long for {goal}.",
            "What I long for: {goal}.",
            "My therapist nods: I want {goal}.",
        ),
        _DEALBREAKERS,
    ),
    n_traits=4,
)

DATING: Mapping[str, Template] = {
    "intro-first": INTRO_FIRST,
    "personality-led": PERSONALITY_LED,
    "values-first": VALUES_FIRST,
    "casual": CASUAL,
    "interests-led": INTERESTS_LED,
    "brief": BRIEF,
    "narrative": NARRATIVE,
    "psychology-forward": PSYCHOLOGY_FORWARD,
}
