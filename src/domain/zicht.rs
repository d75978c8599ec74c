//! Zicht (sight): whose logregels somebody of toezicht may see.

use std::collections::BTreeSet;

use super::PartnerNaam;

/// Of which partners an FG or auditor sees the logregels: metadata, never content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zicht {
    alles: bool,
    partners: BTreeSet<PartnerNaam>,
}

impl Zicht {
    /// On everything.
    #[must_use]
    pub fn alles() -> Self {
        Self { alles: true, partners: BTreeSet::new() }
    }

    /// On what these partners took part in.
    #[must_use]
    pub fn op(partners: impl IntoIterator<Item = PartnerNaam>) -> Self {
        Self { alles: false, partners: partners.into_iter().collect() }
    }

    /// Whether nothing is kept from it. Only who sees everything may have every leaf of the logboek.
    #[must_use]
    pub fn is_alles(&self) -> bool {
        self.alles
    }

    /// Whether a logregel may be seen in which these partners take part. What no partner takes part in (a start of the gateway, a
    /// convenant that changed, a look of toezicht) is for everybody of toezicht.
    #[must_use]
    pub fn covers(&self, partijen: &BTreeSet<PartnerNaam>) -> bool {
        self.alles || partijen.is_empty() || !self.partners.is_disjoint(partijen)
    }

    /// Whether what passed between these two partners may be seen.
    #[must_use]
    pub fn sees_pair(&self, one: &str, other: &str) -> bool {
        self.alles || self.partners.iter().any(|naam| [one, other].contains(&naam.as_str()))
    }

    /// The partners; none where it is on everything.
    #[must_use]
    pub fn partners(&self) -> &BTreeSet<PartnerNaam> {
        &self.partners
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> BTreeSet<PartnerNaam> {
        names.iter().map(|naam| naam.parse().unwrap()).collect()
    }

    #[test]
    fn who_sees_one_partner_sees_what_it_took_part_in_and_what_nobody_took_part_in() {
        let zicht = Zicht::op(names(&["om", "zsm"]));
        for (partijen, seen) in [(&["om", "dji"][..], true), (&["zsm"], true), (&["dji", "3ro"], false), (&[], true)] {
            assert_eq!(zicht.covers(&names(partijen)), seen, "{partijen:?}");
            assert!(Zicht::alles().covers(&names(partijen)));
        }
        assert!(!Zicht::default().covers(&names(&["om"])));
    }
}
