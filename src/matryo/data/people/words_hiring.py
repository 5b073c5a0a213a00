"""The disjoint level, hiring: who somebody is, in words of the office; none of them is used in dating.

All are things one can bring or be known for: "brings ...", "known for ...", "- ...".
"""

from matryo.data.people.render_telling import Wordings
from matryo.data.people.words_plain import HIRING_PLAIN

TRAITS: Wordings = {
    "openness": {
        "low": ("a preference for proven procedures", "respect for established routines", "conventional methods"),
        "middle": (
            "measured interest in innovation",
            "a balance of proven and novel methods",
            "cautious modernisation",
        ),
        "high": ("an appetite for unfamiliar methods", "unconventional proposals", "enthusiasm for innovation"),
    },
    "conscientiousness": {
        "low": ("a relaxed approach to deadlines", "spontaneous execution", "loosely organised output"),
        "middle": ("reasonable orderliness", "adequate attention to procedure", "workable structure"),
        "high": ("meticulous follow-through", "rigorous organisation", "strict attention to deadlines"),
    },
    "extraversion": {
        "low": ("an understated presence", "low visibility", "a low-profile manner"),
        "middle": ("selective networking", "balanced visibility", "situational assertiveness"),
        "high": ("an outgoing presence", "energetic networking", "ease in front of audiences"),
    },
    "agreeableness": {
        "low": ("a competitive edge", "tough bargaining", "sceptical scrutiny"),
        "middle": ("cooperation within limits", "conditional flexibility", "pragmatic compromise"),
        "high": ("considerate cooperation", "readiness to assist", "an accommodating manner"),
    },
    "neuroticism": {
        "low": ("composure under pressure", "an even temperament", "resilience in a crisis"),
        "middle": ("normal tolerance of stress", "typical resilience", "manageable stress levels"),
        "high": ("sensitivity to pressure", "heightened alertness to risk", "strain under stress"),
    },
}
CHARACTER: Wordings = {
    "core_values": {
        "honesty": ("integrity", "transparency", "veracity"),
        "family": ("kinship", "support of relatives", "domestic obligations"),
        "freedom": ("latitude", "liberty", "self-determination"),
        "curiosity": ("inquisitiveness", "inquiry", "investigative zeal"),
        "loyalty": ("allegiance", "steadfastness", "fidelity"),
        "creativity": ("ingenuity", "inventiveness", "conceptual originality"),
        "kindness": ("benevolence", "compassion", "cordiality"),
        "achievement": ("accomplishment", "measurable results", "excellence"),
        "adventure": ("pioneering", "bold undertakings", "uncharted terrain"),
        "security": ("stability", "predictability", "continuity"),
        "justice": ("equity", "impartial treatment", "due process"),
        "faith": ("devotion", "religious conviction", "piety"),
        "humour": ("wit", "levity", "comic relief"),
        "independence": ("self-reliance", "autonomy", "sovereignty"),
        "tradition": ("heritage", "time-honoured customs", "ancestral customs"),
        "health": ("wellness", "physical vitality", "preventive medicine"),
        "learning": ("continuing education", "lifelong study", "scholarship"),
        "generosity": ("philanthropy", "altruism", "largesse"),
        "courage": ("bravery", "audacity", "valour"),
        "harmony": ("consensus", "concord", "accord"),
    },
    "mbti": {
        "EN": ("collective brainstorming", "visionary group facilitation"),
        "ES": ("practical group coordination", "a visible presence on site"),
        "IN": ("solitary conceptual analysis", "independent foresight"),
        "IS": ("unobtrusive practical diligence", "discreet procedural precision"),
        "TJ": ("logical scheduling", "objective decision criteria"),
        "TP": ("logical troubleshooting", "adaptable problem analysis"),
        "FJ": ("empathetic coordination", "organised support of stakeholders"),
        "FP": ("empathetic adaptability", "intuitive responsiveness"),
    },
    "communication": {
        "direct": ("frank feedback", "candid statements", "outspoken input"),
        "diplomatic": ("tactful correspondence", "discreet phrasing", "polite formulations"),
        "analytical": ("evidence-based reporting", "data-driven reasoning", "a quantified rationale"),
        "expressive": ("animated delivery", "emphatic delivery", "vivid presentations"),
        "reserved": ("sparing commentary", "restrained remarks", "economical correspondence"),
        "playful": ("lively banter", "amusing anecdotes", "jocular exchanges"),
    },
    "attachment": {
        "secure": ("ready trust in colleagues", "confident reliance on coworkers", "assured interdependence"),
        "anxious": ("a desire for frequent reassurance", "regular requests for approval", "dependence on affirmation"),
        "avoidant": ("arm's-length rapport", "detachment from office ties", "minimal personal disclosure"),
        "mixed": ("fluctuating rapport", "alternating proximity and withdrawal", "inconsistent engagement"),
    },
    "religion": {
        "none": ("a secular humanist association", "the atheist society"),
        "christian": ("parish outreach", "a diocesan committee"),
        "muslim": ("the mosque fund", "an Islamic association"),
        "jewish": ("the synagogue council", "a Jewish cultural association"),
        "hindu": ("the mandir committee", "a Hindu cultural association"),
        "buddhist": ("sangha outreach", "a Buddhist relief association"),
        "spiritual": ("holistic mindfulness seminars", "an interfaith retreat"),
    },
    "politics": {
        "progressive": ("equal-rights advocacy", "a climate and labour initiative"),
        "moderate": ("a centrist roundtable", "bipartisan dialogue"),
        "conservative": ("a conservative caucus", "the fiscal-discipline league"),
        "libertarian": ("a deregulation institute", "the civil-liberties society"),
        "unpolitical": ("strict political neutrality", "abstention from lobbying"),
    },
}
OFFICE: Wordings = {
    "career": HIRING_PLAIN["career"],
    "industry": HIRING_PLAIN["industry"],
    "skills": HIRING_PLAIN["skills"],
    "seniority": {**HIRING_PLAIN["seniority"], "mid": ("mid-level", "intermediate")},
    "work_style": {
        "structured": ("defined processes", "structured routines"),
        "autonomous": ("autonomous assignments", "minimal supervision"),
        "collaborative": ("collaborative projects", "joint projects"),
        "fast-paced": ("fast-paced delivery", "rapid iteration"),
        "deep-focus": ("uninterrupted concentration", "focused concentration"),
        "flexible": ("flexible arrangements", "flexible schedules"),
    },
    "team": {
        "solo": ("a solo assignment", "a solo role"),
        "small team": ("a small team", "a compact unit"),
        "mid-size team": ("a mid-size team", "a medium-sized department"),
        "large organisation": ("a large organisation", "a sizeable corporation"),
    },
    "ambition": {
        "steady": ("steady progress", "a steady position"),
        "growth": ("professional growth", "expanding responsibilities"),
        "leadership": ("a leadership role", "responsibility for a department"),
        "founder": ("founding a company", "the launch of a company"),
        "mastery": ("technical mastery", "recognised mastery"),
        "impact": ("societal impact", "public benefit"),
    },
}
