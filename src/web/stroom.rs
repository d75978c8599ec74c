//! Stroom (flow): who sent how much to whom, as a table with colours and as a drawing. Both say the same.

use std::collections::BTreeMap;

use super::woorden::{aantal, getal};
use crate::exchange::toezicht::zoek::{Paren, Stromen};

/// Steps of colour above none.
const STEPS: u64 = 5;

/// A table of afzenders and ontvangers; the more, the darker.
pub(super) struct Hitte {
    pub(super) kolommen: Vec<String>,
    pub(super) rijen: Vec<(String, Vec<HitteCel>)>,
    /// Whether there are pairs of which who looks sees nothing.
    pub(super) is_deels: bool,
    /// What is counted, and what is not.
    pub(super) geteld: Vec<String>,
}

/// How much went from one to another.
pub(super) struct HitteCel {
    pub(super) aantal: String,
    /// 0 for none to 5 for the most.
    pub(super) trede: u64,
    /// The exchanges themselves.
    pub(super) naar: String,
}

impl Hitte {
    /// `sees` says of which pairs who looks sees what went, and `address` where a pair leads.
    pub(super) fn new(
        Stromen { paren, van_poort }: &Stromen,
        sees: impl Fn(&str, &str) -> bool,
        address: impl Fn(&str, &str) -> String,
    ) -> Self {
        let counts: BTreeMap<(&str, &str), u64> =
            paren.iter().map(|((van, naar), aantal)| ((van.as_str(), naar.as_str()), *aantal)).collect();
        let most = counts.values().copied().max().unwrap_or(0);
        let mut kolommen: Vec<String> = counts.keys().map(|(_, naar)| (*naar).to_owned()).collect();
        kolommen.sort();
        kolommen.dedup();
        let mut rows: Vec<&str> = counts.keys().map(|(van, _)| *van).collect();
        rows.dedup();
        let is_deels = rows.iter().any(|van| kolommen.iter().any(|naar| !sees(van, naar)));
        let cell = |van: &str, naar: &str| match counts.get(&(van, naar)) {
            Some(of) => HitteCel { aantal: getal(*of), trede: step(*of, most), naar: address(van, naar) },
            None if sees(van, naar) => HitteCel { aantal: "0".to_owned(), trede: 0, naar: String::new() },
            None => HitteCel { aantal: "niet te zien".to_owned(), trede: 0, naar: String::new() },
        };
        let rijen = rows.into_iter().map(|van| (van.to_owned(), kolommen.iter().map(|naar| cell(van, naar)).collect()));
        let rijen = rijen.collect();
        let mut geteld = vec!["Geteld is wat partners stuurden en de poort aanvaardde, per ontvanger.".to_owned()];
        if *van_poort > 0 {
            let said = aantal(*van_poort, "logregel", "logregels");
            geteld.push(format!("Wat de poort zelf stuurde telt hier niet mee: {said}."));
        }
        Self { kolommen, rijen, is_deels, geteld }
    }
}

/// By the root: few and many stay apart where one pair has most of all.
fn step(of: u64, most: u64) -> u64 {
    (1..STEPS).find(|step| of * STEPS * STEPS <= most * step * step).unwrap_or(STEPS)
}

/// A drawing: afzenders left, ontvangers right, and between them bands as wide as how much went.
pub(super) struct Stroom {
    pub(super) hoogte: f64,
    pub(super) balken: Vec<Balk>,
    pub(super) banden: Vec<Band>,
}

/// A partner at one side.
pub(super) struct Balk {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) hoogte: f64,
    pub(super) naam: String,
    pub(super) naam_x: f64,
    pub(super) naam_y: f64,
    /// Where its name begins: `start` or `end`.
    pub(super) kant: &'static str,
}

/// What went between two.
pub(super) struct Band {
    pub(super) lijn: String,
    pub(super) titel: String,
}

/// Width of the drawing, of a bar, and of the room for names, in its own units.
pub(super) const WIDTH: f64 = 640.0;
const BAR: f64 = 10.0;
const NAMES: f64 = 150.0;
/// Room between two bars, and the height that all bands have together.
const GAP: f64 = 12.0;
const HEIGHT: f64 = 320.0;
/// A band is never thinner, nor a bar lower.
const THIN: f64 = 1.0;
const LOW: f64 = 12.0;

impl Stroom {
    pub(super) fn new(paren: &Paren) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a drawing needs no more than that")]
        let all = paren.iter().map(|(_, aantal)| *aantal).sum::<u64>().max(1) as f64;
        #[expect(clippy::cast_precision_loss, reason = "the same")]
        let wide = |aantal: u64| (aantal as f64 / all * HEIGHT).max(THIN);
        let mut left: BTreeMap<&str, f64> = BTreeMap::new();
        let mut right: BTreeMap<&str, f64> = BTreeMap::new();
        for ((van, naar), aantal) in paren {
            *left.entry(van).or_default() += wide(*aantal);
            *right.entry(naar).or_default() += wide(*aantal);
        }
        let (mut balken, mut from, mut to) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let left_end = place(&left, (NAMES, NAMES - 6.0, "end"), (&mut balken, &mut from));
        let right_x = WIDTH - NAMES - BAR;
        let right_end = place(&right, (right_x, right_x + BAR + 6.0, "start"), (&mut balken, &mut to));
        let mut sorted: Vec<_> = paren.iter().collect();
        sorted.sort();
        let banden = sorted.into_iter().map(|((van, naar), of)| {
            let (one, other, half) = (take(&mut from, van, wide(*of)), take(&mut to, naar, wide(*of)), WIDTH / 2.0);
            let (x1, x2, w) = (NAMES + BAR, right_x, wide(*of));
            let lijn = format!(
                "M{x1:.1} {one:.1}C{half:.1} {one:.1} {half:.1} {other:.1} {x2:.1} {other:.1}V{:.1}C{half:.1} {:.1} {half:.1} {:.1} {x1:.1} {:.1}Z",
                other + w,
                other + w,
                one + w,
                one + w
            );
            Band { lijn, titel: format!("{van} aan {naar}: {}", aantal(*of, "keer", "keer")) }
        });
        Self { banden: banden.collect(), hoogte: left_end.max(right_end), balken }
    }
}

/// Puts the bars of one side below each other. Gives where they end.
fn place<'p>(
    heights: &BTreeMap<&'p str, f64>,
    (x, naam_x, kant): (f64, f64, &'static str),
    (balken, starts): (&mut Vec<Balk>, &mut BTreeMap<&'p str, f64>),
) -> f64 {
    let mut y = GAP;
    for (naam, height) in heights {
        starts.insert(naam, y);
        balken.push(Balk {
            x,
            y,
            hoogte: *height,
            naam: (*naam).to_owned(),
            naam_x,
            naam_y: y + height / 2.0 + 4.0,
            kant,
        });
        y += height.max(LOW) + GAP;
    }
    y
}

/// Takes room for a band at a bar.
fn take(starts: &mut BTreeMap<&str, f64>, naam: &str, width: f64) -> f64 {
    let Some(start) = starts.get_mut(naam) else { return GAP };
    let at = *start;
    *start += width;
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_pair_that_is_not_seen_no_number_is_told() {
        let pair = |van: &str, naar: &str| ((van.to_owned(), naar.to_owned()), 3);
        let stromen = Stromen { paren: vec![pair("dji", "politie"), pair("zvh", "dji")], van_poort: 2 };
        let sees = |van: &str, naar: &str| [van, naar].contains(&"dji");
        let hitte = Hitte::new(&stromen, sees, |_, _| String::new());
        let told = |rijen: &[(String, Vec<HitteCel>)]| -> Vec<Vec<String>> {
            rijen.iter().map(|(_, cellen)| cellen.iter().map(|cel| cel.aantal.clone()).collect()).collect()
        };
        assert_eq!(hitte.kolommen, ["dji", "politie"]);
        assert_eq!(told(&hitte.rijen), [["0", "3"], ["3", "niet te zien"]]);
        assert!(hitte.is_deels && hitte.geteld.len() == 2);
        assert!(!Hitte::new(&stromen, |_, _| true, |_, _| String::new()).is_deels);
    }

    #[test]
    fn the_most_is_darkest_and_one_is_not_nothing() {
        assert_eq!([1, 100, 400, 2500].map(|of| step(of, 2500)), [1, 1, 2, 5]);
        assert_eq!((step(1, 1), step(3, 4)), (5, 5));
    }
}
