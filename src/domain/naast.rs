//! Rules beside each other (naast): which rules can speak of one exchange, found without comparing each with each.
//!
//! Two rules can only meet where berichtsoort, sending partner and receiving partner are the same. `documenten` bounds how many
//! rules one such place holds, and how much all rules allow together ([`Ruimte`]). So the price of a judgement grows with the
//! documents and not with their square.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Adres, Adrespatroon, Berichtsoort, LoketNaam, PartnerNaam, Regel};

/// Flows (sender, ontvanger and grondslag) that all rules of all convenanten allow together, at most.
pub const MEESTE_STROMEN: usize = 250_000;
/// Rules of all convenanten on one berichtsoort from one partner to another, at most.
pub const MEESTE_NAAST: usize = 100;

/// Where a rule can meet others.
type Plaats<'r> = (Berichtsoort, &'r PartnerNaam, &'r PartnerNaam);

/// Rules by where they can meet others, each by its number.
pub struct Naast<'r>(HashMap<Plaats<'r>, Vec<usize>>);

impl<'r> Naast<'r> {
    /// Of these rules, numbered in their order.
    #[must_use]
    pub fn new(regels: impl Iterator<Item = &'r Regel>) -> Self {
        let mut places: HashMap<Plaats<'r>, Vec<usize>> = HashMap::new();
        for (number, regel) in regels.enumerate() {
            for (van, naar) in partner_pairs(regel) {
                places.entry((regel.berichtsoort, van, naar)).or_default().push(number);
            }
        }
        Self(places)
    }

    /// The rules on this berichtsoort between these partners, in their order.
    #[must_use]
    pub fn at<'s>(&'s self, soort: Berichtsoort, van: &'s PartnerNaam, naar: &'s PartnerNaam) -> &'s [usize] {
        self.0.get(&(soort, van, naar)).map_or(&[], Vec::as_slice)
    }

    /// The rules after this one that can meet it.
    #[must_use]
    pub fn later(&self, number: usize, regel: &Regel) -> BTreeSet<usize> {
        let beside = partner_pairs(regel).flat_map(|(van, naar)| {
            let here = self.0.get(&(regel.berichtsoort, van, naar)).map_or(&[][..], Vec::as_slice);
            &here[here.partition_point(|other| *other <= number)..]
        });
        beside.copied().collect()
    }
}

/// Each pair of partners of which a rule speaks, once.
pub fn partner_pairs(regel: &Regel) -> impl Iterator<Item = (&PartnerNaam, &PartnerNaam)> {
    let van: BTreeSet<&PartnerNaam> = regel.van.iter().map(|pattern| &pattern.partner).collect();
    let naar: BTreeSet<&PartnerNaam> = regel.naar.iter().map(|pattern| &pattern.partner).collect();
    van.into_iter().flat_map(move |van| naar.clone().into_iter().map(move |naar| (van, naar)))
}

/// Patterns by partner: going through a list of a thousand for each address would take minutes.
pub struct Patronen<'r>(HashMap<&'r PartnerNaam, Loketten<'r>>);

/// Which loketten of a partner patterns mean.
enum Loketten<'r> {
    All,
    Some(HashSet<&'r LoketNaam>),
}

impl<'r> Patronen<'r> {
    /// Of these.
    #[must_use]
    pub fn new(patterns: &'r [Adrespatroon]) -> Self {
        let mut found: HashMap<&PartnerNaam, Loketten<'r>> = HashMap::new();
        for Adrespatroon { partner, loket } in patterns {
            let of_partner = found.entry(partner).or_insert_with(|| Loketten::Some(HashSet::new()));
            match (loket, of_partner) {
                (None, of_partner) => *of_partner = Loketten::All,
                (Some(loket), Loketten::Some(named)) => drop(named.insert(loket)),
                (Some(_), Loketten::All) => {}
            }
        }
        Self(found)
    }

    /// Whether one of them means this address.
    #[must_use]
    pub fn mean(&self, adres: &Adres) -> bool {
        match self.0.get(&adres.partner) {
            None => false,
            Some(Loketten::All) => true,
            Some(Loketten::Some(named)) => named.contains(&adres.loket),
        }
    }

    /// Whether one of them overlaps this one.
    #[must_use]
    pub fn overlap(&self, pattern: &Adrespatroon) -> bool {
        match (self.0.get(&pattern.partner), &pattern.loket) {
            (None, _) => false,
            (Some(Loketten::All), _) | (Some(Loketten::Some(_)), None) => true,
            (Some(Loketten::Some(named)), Some(loket)) => named.contains(loket),
        }
    }
}

/// Why there is no room for one more rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GeenRuimte {
    /// All rules together allow more than [`MEESTE_STROMEN`].
    Stromen,
    /// More than [`MEESTE_NAAST`] rules on one berichtsoort from one of these partners to the other.
    Naast(PartnerNaam, PartnerNaam),
}

/// The room that rules of all convenanten take together.
#[derive(Default)]
pub struct Ruimte {
    stromen: usize,
    /// Partners by number, because a place is counted for each two of them.
    numbers: HashMap<PartnerNaam, u32>,
    naast: HashMap<(Berichtsoort, u32, u32), usize>,
}

impl Ruimte {
    /// Makes room for one more rule; `loketten` says how many a partner has.
    ///
    /// # Errors
    /// [`GeenRuimte`]; what was counted of that rule stays counted.
    pub fn take(&mut self, regel: &Regel, loketten: impl Fn(&PartnerNaam) -> usize) -> Result<(), GeenRuimte> {
        let meant = |patterns: &[Adrespatroon]| -> usize {
            patterns
                .iter()
                .map(|pattern| pattern.loket.as_ref().map_or_else(|| loketten(&pattern.partner), |_| 1))
                .sum()
        };
        let pairs = meant(&regel.van).saturating_mul(meant(&regel.naar));
        self.stromen = self.stromen.saturating_add(pairs.saturating_mul(regel.grondslagen.len()));
        if self.stromen > MEESTE_STROMEN {
            return Err(GeenRuimte::Stromen);
        }
        for (van, naar) in partner_pairs(regel) {
            let plaats = (regel.berichtsoort, self.number(van), self.number(naar));
            let here = self.naast.entry(plaats).or_default();
            *here += 1;
            if *here > MEESTE_NAAST {
                return Err(GeenRuimte::Naast(van.clone(), naar.clone()));
            }
        }
        Ok(())
    }

    fn number(&mut self, partner: &PartnerNaam) -> u32 {
        if let Some(number) = self.numbers.get(partner) {
            return *number;
        }
        let next = u32::try_from(self.numbers.len()).expect("documents name fewer partners than that");
        self.numbers.insert(partner.clone(), next);
        next
    }
}
