"""Careers: the industries they belong to and the skills they ask for."""

CAREERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # career: (industries, skills)
    "software engineer": (
        ("technology", "finance", "healthcare"),
        ("Python", "system design", "databases", "testing", "cloud", "APIs", "code review", "Linux"),
    ),
    "data scientist": (
        ("technology", "finance", "retail", "healthcare"),
        ("Python", "statistics", "machine learning", "SQL", "visualisation", "experiments", "forecasting", "databases"),
    ),
    "nurse": (
        ("healthcare",),
        ("patient care", "triage", "medication", "documentation", "wound care", "teamwork", "emergency response"),
    ),
    "physician": (
        ("healthcare", "research"),
        ("diagnosis", "patient care", "surgery", "research methods", "documentation", "emergency response", "ethics"),
    ),
    "teacher": (
        ("education",),
        ("lesson planning", "classroom management", "public speaking", "mentoring", "assessment", "languages teaching"),
    ),
    "professor": (
        ("education", "research"),
        ("research methods", "public speaking", "grant writing", "mentoring", "statistics", "academic writing"),
    ),
    "graphic designer": (
        ("media", "technology", "retail"),
        ("typography", "branding", "illustration", "layout", "user interfaces", "prototyping", "visualisation"),
    ),
    "product manager": (
        ("technology", "retail", "finance"),
        ("roadmaps", "stakeholder management", "user research", "experiments", "prioritisation", "analytics", "SQL"),
    ),
    "marketing manager": (
        ("retail", "media", "hospitality"),
        ("campaigns", "branding", "analytics", "copywriting", "market research", "social media", "budgeting"),
    ),
    "journalist": (
        ("media",),
        ("interviewing", "copywriting", "fact checking", "editing", "social media", "investigation", "public speaking"),
    ),
    "accountant": (
        ("finance", "consulting", "government"),
        ("bookkeeping", "tax", "auditing", "budgeting", "compliance", "spreadsheets", "forecasting"),
    ),
    "investment analyst": (
        ("finance",),
        ("valuation", "financial modelling", "market research", "forecasting", "spreadsheets", "statistics"),
    ),
    "lawyer": (
        ("law", "government", "consulting"),
        ("negotiation", "contracts", "litigation", "compliance", "legal research", "public speaking", "ethics"),
    ),
    "social worker": (
        ("nonprofit", "government", "healthcare"),
        ("counselling", "case management", "crisis support", "mediation", "documentation", "community outreach"),
    ),
    "psychologist": (
        ("healthcare", "research"),
        ("counselling", "diagnosis", "statistics", "crisis support", "research methods", "ethics", "documentation"),
    ),
    "mechanical engineer": (
        ("manufacturing", "energy", "transport"),
        ("CAD", "thermodynamics", "prototyping", "testing", "project planning", "materials", "quality control"),
    ),
    "civil engineer": (
        ("construction", "transport", "government"),
        ("CAD", "structural analysis", "project planning", "site inspection", "materials", "budgeting", "compliance"),
    ),
    "architect": (
        ("construction",),
        ("CAD", "sketching", "building codes", "project planning", "sustainability", "layout", "client communication"),
    ),
    "chef": (
        ("hospitality",),
        ("menu design", "kitchen management", "food safety", "purchasing", "teamwork", "budgeting", "plating"),
    ),
    "hotel manager": (
        ("hospitality",),
        ("guest relations", "staff scheduling", "budgeting", "purchasing", "conflict resolution", "negotiation"),
    ),
    "sales manager": (
        ("retail", "technology", "manufacturing"),
        ("negotiation", "client communication", "pipeline management", "forecasting", "coaching", "market research"),
    ),
    "human resources manager": (
        ("consulting", "technology", "retail"),
        ("recruiting", "conflict resolution", "coaching", "compliance", "interviewing", "staff scheduling"),
    ),
    "consultant": (
        ("consulting",),
        (
            "stakeholder management",
            "presentations",
            "financial modelling",
            "analytics",
            "workshops",
            "project planning",
        ),
    ),
    "biologist": (
        ("research", "healthcare", "energy"),
        ("laboratory work", "statistics", "academic writing", "microscopy", "field work", "grant writing", "Python"),
    ),
    "electrician": (
        ("construction", "energy"),
        ("wiring", "site inspection", "building codes", "fault finding", "safety", "client communication"),
    ),
    "pilot": (
        ("transport",),
        ("navigation", "emergency response", "safety", "crew coordination", "checklists", "weather analysis"),
    ),
    "logistics manager": (
        ("transport", "retail", "manufacturing"),
        ("supply chains", "purchasing", "forecasting", "staff scheduling", "spreadsheets", "negotiation", "safety"),
    ),
    "musician": (
        ("media", "education"),
        ("performance", "composition", "recording", "mentoring", "improvisation", "social media"),
    ),
    "entrepreneur": (
        ("technology", "retail", "hospitality"),
        ("fundraising", "negotiation", "recruiting", "roadmaps", "market research", "branding", "budgeting"),
    ),
    "policy advisor": (
        ("government", "nonprofit"),
        ("policy analysis", "stakeholder management", "academic writing", "statistics", "negotiation", "presentations"),
    ),
}
INDUSTRIES = tuple(sorted({industry for industries, _ in CAREERS.values() for industry in industries}))
SKILLS = tuple(sorted({skill for _, skills in CAREERS.values() for skill in skills}))
