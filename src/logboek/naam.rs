//! How the logboeken of one gateway are called, one after the other: the origin of their checkpoints.

/// Stands for the year in a name.
const JAAR: &str = "{jaar}";

/// The name of the logboeken of a gateway, as it is configured: with `{jaar}` where the year stands, or without, and then it is the
/// name of the first one. Where a name was used before, a number from 2 on follows it.
#[derive(Clone, Debug)]
pub struct LogboekNaam(String);

impl LogboekNaam {
    /// As it is configured.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether each year has a logboek of its own.
    #[must_use]
    pub fn is_of_years(&self) -> bool {
        self.0.contains(JAAR)
    }

    /// The name of the first logboek of a year.
    #[must_use]
    pub fn of_year(&self, year: i16) -> String {
        self.0.replace(JAAR, &format!("{year:04}"))
    }

    /// Whether this is how one of these logboeken can be called.
    #[must_use]
    pub fn is_of_these(&self, naam: &str) -> bool {
        let Some((before, after)) = self.0.split_once(JAAR) else { return is_or_numbered(naam, &self.0) };
        let year = naam.strip_prefix(before).and_then(|rest| rest.get(..4));
        year.filter(|year| year.bytes().all(|digit| digit.is_ascii_digit()))
            .is_some_and(|year| is_or_numbered(naam, &format!("{before}{year}{}", after.replace(JAAR, year))))
    }

    /// Whether a logboek of this name is one of this year, or of no year.
    #[must_use]
    pub fn is_of_year(&self, naam: &str, year: i16) -> bool {
        is_or_numbered(naam, &self.of_year(year))
    }

    /// The name of the next logboek in a year, where these names were used before.
    #[must_use]
    pub fn next(&self, used: &[String], year: i16) -> String {
        let first = self.of_year(year);
        let numbered = (2_u32..).map(|number| format!("{first}-{number}"));
        let mut names = std::iter::once(first.clone()).chain(numbered);
        names.find(|naam| !used.contains(naam)).expect("there are more numbers than names")
    }
}

/// Whether a name is this one, or this one with a number.
fn is_or_numbered(naam: &str, first: &str) -> bool {
    let number = |rest: &str| rest.parse::<u32>().is_ok_and(|number| number >= 2 && number.to_string() == rest);
    naam.strip_prefix(first).is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_year_and_are_used_once() {
        let naam = LogboekNaam::new("poort.example/{jaar}");
        let mut used = Vec::new();
        for (year, name) in [
            (2026, "poort.example/2026"),
            (2027, "poort.example/2027"),
            (2026, "poort.example/2026-2"),
            (2027, "poort.example/2027-2"),
            (2027, "poort.example/2027-3"),
        ] {
            let next = naam.next(&used, year);
            assert_eq!(next, name);
            assert!(naam.is_of_these(&next) && naam.is_of_year(&next, year) && !naam.is_of_year(&next, year + 1));
            used.push(next);
        }
        assert!(naam.is_of_years() && !LogboekNaam::new("poort.example/2026").is_of_years());
    }

    #[test]
    fn a_name_of_another_gateway_is_none_of_these() {
        let (years, fixed) = (LogboekNaam::new("poort.example/{jaar}"), LogboekNaam::new("poort.example/2026"));
        for naam in ["poort.example/2026", "poort.example/2026-2", "poort.example/2026-10"] {
            assert!(years.is_of_these(naam) && fixed.is_of_these(naam), "{naam}");
        }
        for naam in [
            "",
            "poort.example/",
            "poort.example/202",
            "poort.example/20260",
            "poort.example/2026-",
            "poort.example/2026-1",
            "poort.example/2026-02",
            "poort.example/2026-2x",
            "ander.example/2026",
            "poort.example/jaar",
        ] {
            assert!(!years.is_of_these(naam) && !fixed.is_of_these(naam), "{naam}");
        }
        assert!(years.is_of_these("poort.example/2027") && !fixed.is_of_these("poort.example/2027"));
    }
}
