"""Attack: seeded random networks and hostile certificates against every checker, judged by an exact oracle."""
