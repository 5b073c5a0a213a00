"""The disjoint level, dating: who somebody is, in words of home, friends and feelings; none of them is used in hiring.

Traits, type, communication and attachment continue "I ..."; values and beliefs are things one can name.
"""

from matryo.data.people.render_telling import Wordings

TRAITS: Wordings = {
    "openness": {
        "low": ("stick to what I know", "like things the way they always were", "eat the same dish every week"),
        "middle": ("enjoy a surprise now and then", "like a pinch of magic", "dabble in oddities"),
        "high": ("chase every odd idea", "daydream of other planets", "fall for anything strange"),
    },
    "conscientiousness": {
        "low": ("lose my keys daily", "leave laundry for tomorrow", "leave chaos behind me"),
        "middle": ("tidy up for visitors", "remember most birthdays", "tidy half of my desk"),
        "high": ("keep my drawers spotless", "never forget a birthday", "turn up too early"),
    },
    "extraversion": {
        "low": ("slip away from crowds", "curl up alone", "whisper more than shout"),
        "middle": ("like buzz in tiny doses", "mingle for an hour", "hide after every party"),
        "high": ("shine at parties", "chat with every stranger", "hate being alone"),
    },
    "agreeableness": {
        "low": ("argue for fun", "hold grudges", "elbow my way through"),
        "middle": ("bend a little", "halve my dessert", "meet you halfway"),
        "high": ("put others before myself", "melt when anyone cries", "hand out the last slice"),
    },
    "neuroticism": {
        "low": ("sleep like a stone", "shrug off bad luck", "hardly ever lose my cool"),
        "middle": ("get the odd butterfly", "stew before I laugh", "grumble but get over it"),
        "high": ("worry at night", "cry over nothing", "fret over phone calls"),
    },
}
CHARACTER: Wordings = {
    "core_values": {
        "honesty": ("telling the truth", "no lies ever", "a clear conscience"),
        "family": ("my folks", "my parents and siblings", "the ones I grew up with"),
        "freedom": ("wide skies", "doing as I please", "an unlocked cage"),
        "curiosity": ("asking why", "peeking behind curtains", "rabbit holes"),
        "loyalty": ("sticking together", "sworn friends", "friends for good"),
        "creativity": ("making things up", "a wild imagination", "doodles on napkins"),
        "kindness": ("a warm word for anyone", "being gentle", "tenderness"),
        "achievement": ("winning", "crossing the finish line", "gold medals"),
        "adventure": ("leaps in the dark", "roads without signposts", "the wild unknown"),
        "security": ("a solid roof", "locked doors", "a nest egg"),
        "justice": ("fair play", "the same rules for all", "everyone getting a turn"),
        "faith": ("prayer", "someone above us", "my creed"),
        "humour": ("belly laughs", "silly jokes", "laughing at myself"),
        "independence": ("my own two feet", "my own key", "paying my own way"),
        "tradition": ("grandma's recipes", "the good old days", "old lullabies"),
        "health": ("a fit body", "fresh greens", "sound sleep"),
        "learning": ("getting a little wiser", "soaking up knowledge", "late-night encyclopedias"),
        "generosity": ("paying for all", "picking up the bill", "surprise gifts"),
        "courage": ("daring", "facing my fears", "saying yes while trembling"),
        "harmony": ("hushed voices", "no slamming doors", "calm waters"),
    },
    "mbti": {
        "EN": ("spin fantasies among friends", "dream out loud"),
        "ES": ("dive into whatever goes on", "roll up my sleeves among friends"),
        "IN": ("dream alone for hours", "get lost in my thoughts"),
        "IS": ("tinker quietly by myself", "notice tiny things in silence"),
        "TJ": ("settle things with a cool head", "love neat lists"),
        "TP": ("puzzle over how things tick", "poke holes in every rule"),
        "FJ": ("mother the whole gang", "remember what everybody needs"),
        "FP": ("drift where my heart goes", "go with my gut"),
    },
    "communication": {
        "direct": ("say it to your face", "never beat around the bush", "call a spade a spade"),
        "diplomatic": ("choose my words gently", "smooth things over", "wrap hard truths in cotton"),
        "analytical": ("pick every sentence apart", "dissect every sentence", "weigh each word twice"),
        "expressive": ("talk with my hands", "wear my heart on my sleeve", "gush without brakes"),
        "reserved": ("use few words", "listen before I talk", "keep mum at first"),
        "playful": ("tease those I adore", "joke about everything", "wink at everything"),
    },
    "attachment": {
        "secure": ("lean on you without fear", "feel sure of the two of us", "breathe easy beside you"),
        "anxious": ("fear you might leave", "stare at my phone for news", "panic when you go silent"),
        "avoidant": ("keep a wall up", "pull back when it gets cosy", "guard my space"),
        "mixed": ("cling before I run", "blow hot and cold", "miss you while I flee"),
    },
    "religion": {
        "none": ("a sky without gods", "no heaven"),
        "christian": ("Sunday church", "Jesus and my Bible"),
        "muslim": ("Ramadan", "the Quran"),
        "jewish": ("Shabbat candles", "the Torah"),
        "hindu": ("Diwali lights", "Krishna"),
        "buddhist": ("the eightfold path", "zazen at dawn"),
        "spiritual": ("the moon", "my chakras"),
    },
    "politics": {
        "progressive": ("a heart on the left side", "marching for tomorrow"),
        "moderate": ("a seat between both camps", "hearing both sides out"),
        "conservative": ("a bit of old-school thinking", "the flag and the anthem"),
        "libertarian": ("rulers leaving everyone alone", "nobody telling me what to do"),
        "unpolitical": ("switching off the news", "yawning at ballots"),
    },
}
