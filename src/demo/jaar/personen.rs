//! People who do not exist: names put together from parts, BSN's from a range that was never issued.

use fastrand::Rng;
use jiff::{ToSpan, civil::Date};
use serde_json::{Value, json};

const ROEPNAMEN: [&str; 24] = [
    "Aafke",
    "Boudewijn",
    "Cato",
    "Daan",
    "Elske",
    "Floor",
    "Gerben",
    "Hidde",
    "Ivo",
    "Jorn",
    "Klaas",
    "Lieke",
    "Maud",
    "Niels",
    "Oscar",
    "Pleun",
    "Quinten",
    "Renske",
    "Sjoerd",
    "Tess",
    "Ude",
    "Veerle",
    "Wiebe",
    "Yfke",
];
const EERSTE: [&str; 20] = [
    "Duin", "Kreek", "Meer", "Linde", "Hoog", "Wester", "Ooster", "Noorder", "Zand", "Berken", "Elzen", "Heide",
    "Molen", "Rijn", "Schelde", "Veen", "Wilgen", "Zilver", "Koren", "Appel",
];
const TWEEDE: [&str; 16] = [
    "hof", "broek", "veld", "kamp", "water", "brink", "laar", "schot", "horst", "gaarde", "stein", "drecht", "zicht",
    "wijk", "mond", "burcht",
];

/// Somebody who was made up.
#[derive(Clone)]
pub struct Persoon {
    naam: String,
    geboortedatum: Date,
    skn: String,
    bsn: String,
    /// Whether their BSN goes along in berichten.
    met_bsn: bool,
}

impl Persoon {
    /// Somebody new, of this age on `today`.
    pub fn invent(dice: &mut Rng, today: Date, minderjarig: bool, met_bsn: bool) -> Self {
        let pick = |dice: &mut Rng, from: &[&str]| from[dice.usize(..from.len())].to_owned();
        let jaren = if minderjarig { dice.i32(14..17) } else { dice.i32(19..61) };
        let geboortedatum = today.saturating_sub(jaren.years()).saturating_sub(dice.i32(1..364).days());
        let naam = format!("{} {}{}", pick(dice, &ROEPNAMEN), pick(dice, &EERSTE), pick(dice, &TWEEDE));
        Self { naam, geboortedatum, skn: format!("9{:06}", dice.u32(..1_000_000)), bsn: bsn(dice), met_bsn }
    }

    /// As one of the `betrokkenen` of a bericht.
    pub fn betrokkene(&self) -> Value {
        let mut persoon = self.gezocht();
        persoon["rol"] = "BETROKKENE_ROL_HOOFDPERSOON".into();
        if self.met_bsn {
            persoon["bsn"] = self.bsn.clone().into();
        }
        persoon
    }

    /// As somebody looks for them.
    pub fn gezocht(&self) -> Value {
        json!({"naam": self.naam, "geboortedatum": self.geboortedatum.to_string(), "skn": self.skn})
    }
}

/// A number that passes the elfproef and begins with 9999, which no register issues.
fn bsn(dice: &mut Rng) -> String {
    loop {
        let eight = format!("9999{:04}", dice.u32(..10_000));
        let weighed = eight.bytes().zip((2..=9).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight);
        let last = weighed.sum::<u32>() % 11;
        if last < 10 {
            return format!("{eight}{last}");
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::Bsn;

    #[test]
    fn invented_people_have_the_age_that_was_asked_and_a_number_that_passes_the_elfproef() {
        let (mut dice, today) = (Rng::with_seed(1), date(2026, 3, 1));
        for number in 0..500 {
            let minderjarig = number % 2 == 0;
            let persoon = Persoon::invent(&mut dice, today, minderjarig, true);
            let age = today.year() - persoon.geboortedatum.year();
            assert!(if minderjarig { (14..=17).contains(&age) } else { age >= 19 }, "{age}");
            let betrokkene = persoon.betrokkene();
            let bsn = betrokkene["bsn"].as_str().unwrap();
            assert!(bsn.starts_with("9999") && bsn.parse::<Bsn>().is_ok(), "{bsn}");
            assert_eq!(persoon.gezocht().get("bsn"), None);
        }
    }
}
