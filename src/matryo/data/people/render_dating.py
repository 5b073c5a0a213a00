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
        ("Hi there!", "Hello!", "Hey, nice of you to drop by.", "Hi, lovely to see you here."),
        (
            "I am {age}, my home is {city}, and I {career}.",
            "I am {age}, I wake up in {city} and I {career}.",
            "I {career}, sleep in {city} and am {age}.",
        ),
        ("My friends say I {part1}.", "Honestly, I {part1}.", "I {part1}."),
        ("I also {part2}.", "On top of that I {part2}.", "And yes, I {part2}."),
    ),
    free=(
        ("What matters to me: {values}.", "I hold on to {values}.", "I would never give up {values}."),
        ("I love {interests}.", "My free hours go to {interests}.", "Give me {interests}."),
        _BELIEFS,
    ),
    last=(("I {kids}, and I hope to find {goal}.", "I {kids}, and I am here for {goal}."),),
    pool=_INNER,
    n_items=3,
)
PERSONALITY_LED = Template(
    first=(
        ("In a nutshell, I {traits}.", "Summed up: I {traits}.", "I {traits}. That is me."),
        ("I {mbti}.", "Deep down I {mbti}.", "You will notice that I {mbti}."),
        (
            "With someone I like I {communication} and {attachment}.",
            "In love I {attachment}, and I {communication}.",
        ),
    ),
    free=(
        ("My heart beats for {values}.", "Nothing beats {values}, if you ask me.", "I swear by {values}."),
        ("I adore {interests}.", "I fill my weekends with {interests}."),
        _BELIEFS,
    ),
    last=(
        ("And so: I am {age}, home is {city}, and I {career}.", "Also: I am {age}, my home is {city} and I {career}."),
        ("Looking for {goal}, hopefully {relationship_style}.", "I wish for {goal}: {relationship_style}."),
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
        ),
        _BELIEFS,
        ("So it is no surprise that I {part1}.", "You can tell: I {part1}.", "Apart from this I {part1}."),
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
    last=(("I {kids}, and I dream of {goal}.", "I {kids}; I am here for {goal}."), _DEALBREAKERS),
    pool=("traits", "mbti"),
    n_parts=1,
)
CASUAL = Template(
    first=(
        ("Okay, here goes!", "So, hmm, where to begin?", "Never done this before, haha.", "Alright then."),
        ("I am {age}, home: {city}.", "I am {age}, hanging out in {city}."),
        ("To pay the rent I {career}.", "Monday to Friday I {career}, yay."),
    ),
    free=(
        ("I {part1}, haha.", "Fair warning: I {part1}.", "I {part1}. Sorry not sorry."),
        ("I {part2}, just so you know.", "Oh, and I {part2}.", "Guess what: I {part2}."),
        ("Big on {values}.", "Huge fan of {values}.", "Can we agree on {values}?"),
        ("Bribe me with {interests}, {lifestyle}.", "Always up for {interests}, {lifestyle}."),
        _BELIEFS,
    ),
    last=(("Up for {goal}? Text me.", "Here for {goal}, so message me."),),
    pool=_INNER,
    n_items=2,
)
INTERESTS_LED = Template(
    first=(
        (
            "{Interests}: there go my weekends.",
            "You can win me over with {interests}.",
            "I cannot get enough of {interests}.",
        ),
        ("Throw in {lifestyle} and I smile.", "My little paradise: {lifestyle}."),
    ),
    free=(
        ("I {part1}.", "Some say I {part1}.", "It fits that I {part1}."),
        ("I {part2}.", "As for my quirks, I {part2}."),
        ("Hobbies aside, I need {values}.", "Above all I treasure {values}."),
        ("I am {age}, at home in {city}, and I {career}.", "Home is {city}, I am {age} and I {career}."),
        _BELIEFS,
    ),
    last=(("Come along? I want {goal}: {relationship_style}.", "Try me: {goal}, {relationship_style}."),),
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
        ("{Values}, always.", "{Values} first.", "Never without {values}."),
        ("Love {interests}.", "Crazy about {interests}.", "{Interests}: yes please."),
    ),
    last=(("Here for {goal}.", "Hoping for {goal}."),),
    n_items=2,
    n_traits=2,
    n_values=2,
)
NARRATIVE = Template(
    first=(
        (
            "Fate dropped me in {city}, and I never left.",
            "My story is set in {city}.",
            "Picture a morning in {city}, and me in it.",
        ),
        ("I {career}, and suddenly I am {age}.", "Now I am {age} and {career}."),
        ("Ever since childhood I {part1}.", "Grandmother used to say that I {part1}.", "I {part1}."),
        ("Along the way I found that I {part2}.", "It took me ages to see that I {part2}."),
    ),
    free=(
        ("One winter I saw what I cherish: {values}.", "What stayed with me through it all: {values}."),
        ("Golden chapters had {interests} in them.", "Between chapters: {interests}."),
        _BELIEFS,
    ),
    last=(("Next chapter: {goal}. I {kids}.", "I {kids}; the page ahead says {goal}."),),
    pool=_INNER,
    n_items=2,
)
PSYCHOLOGY_FORWARD = Template(
    first=(
        ("How I tick: I {traits}.", "My inner landscape: I {traits}."),
        ("I {mbti}, the quizzes say.", "In quizzes it turns out that I {mbti}."),
        ("When I love someone I {attachment}.", "Up close I {attachment}."),
        ("In a quarrel I {communication}.", "If feelings boil over I {communication}."),
    ),
    free=(
        ("At the bottom of it all: {values}.", "My guiding star: {values}."),
        ("I am {age}, my home is {city}, and I {career}.", "Outwardly: {age}, home in {city}; I {career}."),
        _BELIEFS,
    ),
    last=(("I hope for {goal}.", "I long for {goal}."), _DEALBREAKERS),
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
