"""The eight dating templates. Their own words stay clear of those of the hiring templates; a test compares them."""

from collections.abc import Mapping

from matryo.data.people.render_telling import Frames, Template

_BELIEFS: Frames = ("Close to my heart: {beliefs}.", "It means a lot to me: {beliefs}.", "Ask me about {beliefs}.")
_DEALBREAKERS: Frames = (
    "Dealbreakers: {dealbreakers}.",
    "A hard no for me: {dealbreakers}.",
    "Swipe left if you come with any of these: {dealbreakers}.",
)
_INNER = ("traits", "communication", "attachment", "mbti")

INTRO_FIRST = Template(
    first=(
        ("Hi there!", "Hello!", "Hey, nice to meet you.", "Hi, glad you stopped by."),
        (
            "I am {age}, my home is {city}, and I {career}.",
            "I am {age}, I live in {city} and I {career}.",
            "I {career}, live in {city} and am {age}.",
        ),
        ("My friends say I {part1}.", "Honestly, I {part1}.", "I {part1}."),
        ("I also {part2}.", "On top of that I {part2}.", "And yes, I {part2}."),
    ),
    free=(
        ("What matters to me: {values}.", "I hold on to {values}.", "I would never give up {values}."),
        ("I love {interests}, and {lifestyle}.", "My free hours go to {interests}, with room for {lifestyle}."),
        _BELIEFS,
    ),
    last=(("I {kids} and hope to find {goal}.", "I {kids}, and I am here for {goal}."),),
    pool=_INNER,
)
PERSONALITY_LED = Template(
    first=(
        ("Me in a nutshell: I {traits}.", "If I had to sum myself up: I {traits}.", "I {traits}. That is me."),
        ("I {mbti}.", "Deep down I {mbti}.", "You will notice that I {mbti}."),
        (
            "With someone I like I {communication} and {attachment}.",
            "Once I have fallen for someone I {attachment}, and I {communication}.",
        ),
    ),
    free=(
        ("My heart is set on {values}.", "Nothing beats {values}, if you ask me.", "I stand for {values}."),
        ("I adore {interests}. My kind of weekend: {lifestyle}.", "I fill my weekends with {interests}: {lifestyle}."),
        _BELIEFS,
    ),
    last=(
        ("The rest: I am {age}, home is {city}, and I {career}.", "Also: I am {age}, live in {city} and {career}."),
        ("Looking for {goal}, ideally {relationship_style}.", "I wish for {goal}: {relationship_style}."),
    ),
)
VALUES_FIRST = Template(
    first=(
        (
            "Let me begin with what matters: {values}.",
            "{Values}: without these I would not be me.",
            "Four things I never drop: {values}.",
            "I believe in {values}.",
        ),
        _BELIEFS,
        ("So it is no surprise that I {part1}.", "It shows: I {part1}.", "Apart from this I {part1}."),
    ),
    free=(
        (
            "When something bothers me I {communication}; when I fall for someone I {attachment}.",
            "I {communication}, and once smitten I {attachment}.",
        ),
        (
            "I am {age}, I {career}, and I live in {city}.",
            "For the curious: I am {age}, home is {city}, and I {career}.",
        ),
        ("My soft spots: {interests}.", "Guilty pleasures: {interests}."),
    ),
    last=(("I {kids} and dream of {goal}.", "I {kids}; I am here for {goal}."), _DEALBREAKERS),
    pool=("traits", "mbti"),
    n_parts=1,
)
CASUAL = Template(
    first=(
        ("Okay, here goes!", "So, hmm, where to begin?", "Never done this before, haha.", "Right then."),
        ("I am {age}, home: {city}.", "I am {age}, hanging out in {city}."),
        ("To pay the rent I {career}.", "Monday to Friday I {career}, yay."),
    ),
    free=(
        ("I {part1}, haha.", "Fair warning: I {part1}.", "I {part1}. Sorry not sorry."),
        ("I {part2}, just so you know.", "Oh, and I {part2}.", "Guess what: I {part2}."),
        ("Big on {values}.", "Huge fan of {values}.", "Can we agree on {values}?"),
        ("Ask me about {interests}!", "Bribe me with {interests}.", "Always up for {interests}."),
        ("Into {lifestyle}.", "My thing: {lifestyle}."),
        _BELIEFS,
    ),
    last=(("Up for {goal}? Text me.", "Here for {goal}, so message me."), _DEALBREAKERS),
    pool=_INNER,
)
INTERESTS_LED = Template(
    first=(
        (
            "{Interests}: that is how my weekends disappear.",
            "You can win me over with {interests}.",
            "I cannot get enough of {interests}.",
        ),
        ("Add {lifestyle} and I am happy.", "My happy place: {lifestyle}."),
    ),
    free=(
        ("I {part1}.", "Some say I {part1}.", "It fits that I {part1}."),
        ("I {part2}.", "As for the rest of me, I {part2}."),
        ("Hobbies aside, I need {values}.", "Still more than any hobby I treasure {values}."),
        ("I am {age}, at home in {city}, and I {career}.", "I live in {city}, am {age} and {career}."),
        _BELIEFS,
    ),
    last=(("Come along? I want {goal}: {relationship_style}.", "Join me for {goal}, {relationship_style} please."),),
    pool=_INNER,
    n_items=5,
)
BRIEF = Template(
    first=(
        ("I am {age}.", "Hey, I am {age}."),
        ("Home: {city}.", "I live in {city}."),
        ("I {career}.", "By day I {career}."),
    ),
    free=(
        ("I {traits}, and I {communication}.", "I {communication}, {traits}."),
        ("{Values}, always.", "{Values} first.", "Never without {values}."),
        ("Love {interests}.", "Mad about {interests}.", "{Interests} make me smile."),
    ),
    last=(("Here for {goal}.", "Hoping for {goal}."),),
    n_traits=2,
    n_values=2,
)
NARRATIVE = Template(
    first=(
        (
            "A while ago fate dropped me in {city}, and I never left.",
            "My story goes on in {city}.",
            "Picture a morning in {city}: that is where my story happens.",
        ),
        ("I {career}, I am {age}, and I still wonder what comes next.", "Now I am {age} and {career}."),
        ("Ever since I was little I {part1}.", "My grandmother used to laugh that I {part1}.", "I {part1}."),
        ("Along the way I found out that I {part2}.", "Over time I came to see that I {part2}."),
    ),
    free=(
        ("One winter taught me what I cherish: {values}.", "What stayed with me through it all: {values}."),
        ("Happy chapters had {interests} in them, and {lifestyle}.", "Between chapters: {interests}, {lifestyle}."),
        _BELIEFS,
    ),
    last=(("In the next chapter: {goal}. I {kids}.", "I {kids}, and the page ahead says {goal}."),),
    pool=_INNER,
    n_items=2,
)
PSYCHOLOGY_FORWARD = Template(
    first=(
        ("How I tick: I {traits}.", "My inner weather: I {traits}."),
        ("I {mbti}, or so the quizzes tell me.", "In quizzes it turns out that I {mbti}."),
        ("When I love someone I {attachment}.", "Up close I {attachment}."),
        ("In a quarrel I {communication}.", "If feelings run high I {communication}."),
    ),
    free=(
        ("What drives me underneath: {values}.", "My compass: {values}."),
        ("I am {age}, I live in {city}, and I {career}.", "Outwardly: {age}, home in {city}; I {career}."),
        ("I unwind with {interests}.", "My mind rests with {interests}."),
        _BELIEFS,
    ),
    last=(("I hope for {goal}, {relationship_style}.", "I long for {goal}: {relationship_style}."), _DEALBREAKERS),
    n_traits=5,
    n_items=2,
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
