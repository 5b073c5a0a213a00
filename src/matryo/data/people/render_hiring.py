"""The eight hiring templates. Their own words stay clear of those of the dating templates; a test compares them."""

from collections.abc import Mapping

from matryo.data.people.render_telling import Frames, Template

_BELIEFS: Frames = (
    "Beyond the office: {beliefs}.",
    "Community involvement: {beliefs}.",
    "Other commitments: {beliefs}.",
)
_INNER = ("traits", "communication", "attachment", "mbti")

RESUME_STYLE = Template(
    first=(
        ("{Title}, {city}", "{Title} | {city}", "{Title} - based in {city}"),
        ("Profile", "Summary"),
        ("- {Experience} of experience in {industry}", "- {Experience} in {industry}"),
        ("- {Part1}", "- Characteristics: {part1}"),
        ("- {Part2}", "- Professional manner: {part2}", "- Recognised for {part2}"),
        ("Skills", "Core skills", "Expertise"),
        ("- {Skills}",),
        ("Principles", "Core principles"),
        ("- {Values}",),
        ("Preferences", "Working preferences"),
    ),
    free=(
        ("- Setting: {work_style}, {team}", "- {Work_style}, within {team}"),
        ("- Objective: {ambition}", "- Target: {ambition}", "- Direction: {ambition}"),
        ("- Affiliations: {beliefs}", "- Community: {beliefs}"),
    ),
    pool=_INNER,
    n_items=5,
    join="\n",
)
SKILLS_FIRST = Template(
    first=(
        ("Core skills: {skills}.", "Proficient in {skills}.", "Main competencies: {skills}.", "Expertise: {skills}."),
        (
            "Applied as {a_title} for {experience} in {industry}, based in {city}.",
            "{Title} with {experience} in {industry}, based in {city}.",
        ),
    ),
    free=(
        ("Interpersonal skills: {part1}.", "Also provided: {part1}.", "Complementary qualities: {part1}."),
        ("Further strengths: {part2}.", "Complemented by {part2}.", "Additional assets: {part2}."),
        ("Guided by {values}.", "Principles: {values}."),
        (
            "Suited to {work_style} in {team}.",
            "Preferred conditions: {work_style}, {team}.",
            "Available for {work_style} in {team}.",
        ),
        _BELIEFS,
    ),
    last=(("Objective: {ambition}.", "Intended progression: {ambition}.", "Seeking {ambition}."),),
    pool=_INNER,
    n_items=6,
)
NARRATIVE_BIO = Template(
    first=(
        (
            "Based in {city}, this candidate is {a_title} with {experience} behind them in {industry}.",
            "This is the profile of {a_title} in {industry}, based in {city}, with {experience} of practice.",
            "With {experience} in {industry}, this professional serves as {a_title}, based in {city}.",
        ),
        ("Managers describe {part1}.", "Former employers report {part1}.", "Their track record documents {part1}."),
        ("Colleagues report {part2}.", "References also mention {part2}.", "Supervisors additionally cite {part2}."),
    ),
    free=(
        ("Every assignment is shaped by {values}.", "Throughout their career, {values} have been the benchmark."),
        ("Their expertise covers {skills}.", "They are trained in {skills}.", "Their portfolio includes {skills}."),
        ("They perform best with {work_style} in {team}.", "They prefer {work_style}, preferably within {team}."),
        _BELIEFS,
    ),
    last=(
        (
            "They are now pursuing {ambition}.",
            "Their next objective is {ambition}.",
            "Their stated objective is {ambition}.",
        ),
    ),
    pool=_INNER,
)
CULTURE_FIT = Template(
    first=(
        (
            "A workplace suits me when it is built on {values}.",
            "The culture I contribute to is built on {values}.",
            "An organisation earns my commitment through {values}.",
        ),
        (
            "I bring {traits}.",
            "Expect {traits} from me.",
            "My contribution includes {traits}.",
            "What I contribute: {traits}.",
        ),
        (
            "Colleagues can rely on {communication} and {attachment}.",
            "Within the group I provide {attachment}, and {communication}.",
        ),
        ("Questionnaire results: {mbti}.", "Assessments point to {mbti}.", "Formal assessments indicate {mbti}."),
    ),
    free=(
        (
            "I am {a_title} in {industry}, based in {city}, with {experience} of experience.",
            "{Experience} as {a_title} in {industry}, based in {city}.",
        ),
        ("My skills: {skills}.", "My toolkit covers {skills}."),
        (
            "I thrive with {work_style} in {team}.",
            "The best environment for me: {work_style}, {team}.",
            "I perform well with {work_style} in {team}.",
        ),
        _BELIEFS,
    ),
    last=(
        (
            "I aim for {ambition}.",
            "Professionally I am after {ambition}.",
            "My objective within the organisation: {ambition}.",
        ),
    ),
    n_traits=4,
)
LINKEDIN = Template(
    first=(
        ("{Title} | {industry} | {city}", "{Title} in {industry} | Based in {city}"),
        (
            "{Experience} of practical experience with {skills}.",
            "{Skills}, backed by {experience} in practice.",
            "Specialised in {skills}, with {experience} in the profession.",
        ),
    ),
    free=(
        (
            "I am recognised for {part1}.",
            "Endorsed for {part1}.",
            "Recommendations emphasise {part1}.",
            "Clients appreciate {part1}.",
        ),
        ("My approach: {part2}.", "I contribute {part2}.", "Managers value {part2}."),
        ("Motivated by {values}.", "I lead with {values}.", "Advocate of {values}.", "Committed to {values}."),
        (
            "I deliver most in {team}, with {work_style}.",
            "Optimal conditions: {work_style}, {team}.",
            "Seeking {work_style} in {team}.",
        ),
        _BELIEFS,
    ),
    last=(("Open to opportunities: {ambition}. Connections welcome.", "Exploring {ambition}. Pleased to connect."),),
    pool=_INNER,
    join="\n",
)
BRIEF = Template(
    first=(
        ("{Title}, {experience}.", "{Title} with {experience} of experience."),
        ("{City}, {industry}.", "Based in {city}, active in {industry}."),
    ),
    free=(
        ("Strengths: {traits}, {communication}.", "Provides {communication}, {traits}."),
        ("Principles: {values}.", "Committed to {values}."),
        ("Skills: {skills}.", "Experienced in {skills}.", "Trained in {skills}."),
        ("Suited to {work_style}.", "Setting: {work_style}."),
    ),
    last=(("Target: {ambition}.", "Direction: {ambition}.", "Seeking {ambition}."),),
    n_traits=2,
    n_values=3,
)
AMBITION_LED = Template(
    first=(
        (
            "My professional direction: {ambition}.",
            "My objective is {ambition}.",
            "Next step: {ambition}.",
            "Within five years I intend to reach {ambition}.",
        ),
        (
            "Until now: {experience} in {industry} as {a_title}, based in {city}.",
            "The foundation: {experience} as {a_title} in {industry}, based in {city}.",
        ),
        ("I get there through {part1}.", "The means: {part1}.", "What will carry me forward: {part1}."),
        ("Equally important: {part2}.", "Managers also see {part2}.", "I can also rely on {part2}."),
    ),
    free=(
        ("I measure success by {values}.", "Success, to me, requires {values}.", "I will not compromise on {values}."),
        ("Current toolkit: {skills}.", "Already acquired: {skills}.", "Capabilities at present: {skills}."),
        (
            "I progress fastest with {work_style} in {team}.",
            "Best conditions: {work_style}, {team}.",
            "Progress demands {work_style} in {team}.",
        ),
        _BELIEFS,
    ),
    pool=_INNER,
)
TEAM_FIT = Template(
    first=(
        (
            "Put me in {team} with {work_style}.",
            "Deploy me in {team} with {work_style}.",
            "I function best in {team}, with {work_style}.",
        ),
        (
            "The group gains {communication}, {attachment} and {skills}.",
            "I supply {communication}, {attachment} and {skills}.",
            "What colleagues gain: {attachment}, {communication} and {skills}.",
        ),
        (
            "My role in any group reflects {part1}.",
            "In collaboration, rely on {part1}.",
            "In discussions, expect {part1}.",
        ),
    ),
    free=(
        (
            "Common criteria I insist on: {values}.",
            "Cooperation depends on {values}.",
            "I align with groups that respect {values}.",
        ),
        (
            "I am {a_title} based in {city}, with {experience} in {industry}.",
            "Background: {a_title}, {experience} in {industry}, {city}.",
        ),
        _BELIEFS,
    ),
    last=(
        (
            "Together with the group I aim for {ambition}.",
            "Eventually I target {ambition}.",
            "Beyond the current project: {ambition}.",
        ),
    ),
    pool=("traits", "mbti"),
    n_parts=1,
)

HIRING: Mapping[str, Template] = {
    "resume-style": RESUME_STYLE,
    "skills-first": SKILLS_FIRST,
    "narrative-bio": NARRATIVE_BIO,
    "culture-fit": CULTURE_FIT,
    "linkedin": LINKEDIN,
    "brief": BRIEF,
    "ambition-led": AMBITION_LED,
    "team-fit": TEAM_FIT,
}
