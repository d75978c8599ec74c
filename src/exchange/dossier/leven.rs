//! Leven (life): what became of a bericht for one ontvanger, in words.

use jiff::{Timestamp, civil::Date};

use crate::{
    exchange::datum,
    logboek::{Logregel, Oorzaak, Soort},
};

/// What happened to a bericht after it was accepted for one ontvanger.
#[derive(Default)]
pub(super) struct Leven {
    /// When it was first handed out.
    opgehaald: Option<Timestamp>,
    /// How often it was read again.
    herlezen: u64,
    /// It was held back when it was to be handed out.
    tegengehouden: Option<Timestamp>,
    /// How often somebody wanted to read it and was refused.
    geweigerd: u64,
    /// When its content ended, and how.
    einde: Option<(Timestamp, Soort, Option<String>)>,
    /// When the ontvanger was asked to destroy its own copy.
    gevraagd: Option<Timestamp>,
    /// When it answered: done, or why not.
    geantwoord: Option<(Timestamp, Option<String>)>,
}

impl Leven {
    pub(super) fn take(&mut self, regel: &Logregel) {
        let Ok(tijd) = regel.tijd.parse::<Timestamp>() else { return };
        match regel.soort {
            Soort::Afgeleverd => self.opgehaald = self.opgehaald.or(Some(tijd)),
            Soort::Geraadpleegd => self.herlezen += 1,
            Soort::Geweigerd if regel.ontvanger.is_none() => self.geweigerd += 1,
            Soort::Geweigerd => self.tegengehouden = self.tegengehouden.or(Some(tijd)),
            Soort::Vervallen | Soort::Vernietigd | Soort::Ingetrokken | Soort::Beschadigd => {
                self.end(tijd, regel);
            }
            Soort::VernietigingGevraagd => {
                self.end(tijd, regel);
                self.gevraagd = self.gevraagd.or(Some(tijd));
            }
            Soort::VernietigingBevestigd => self.geantwoord = Some((tijd, regel.weigering.clone())),
            _ => {}
        }
    }

    fn end(&mut self, tijd: Timestamp, regel: &Logregel) {
        if self.einde.is_none() {
            self.einde = Some((tijd, regel.soort, regel.oorzaak.clone()));
        }
    }

    /// In words, for a bericht from one organisation to another with this last day.
    pub(super) fn told(&self, van: &str, naar: &str, tot_en_met: Option<&str>) -> Vec<String> {
        let mut zinnen = Vec::new();
        let read = match (self.opgehaald, self.herlezen) {
            (None, 0) => format!("{naar} heeft het niet opgehaald."),
            (None, times) => format!("{naar} las het {}.", keer(times)),
            (Some(op), 0) => format!("{naar} haalde het op op {}.", datum::moment(op)),
            (Some(op), times) => {
                format!("{naar} haalde het op op {}, en las het daarna nog {}.", datum::moment(op), keer(times))
            }
        };
        zinnen.push(read);
        let held = self.tegengehouden.filter(|_| self.opgehaald.is_none());
        zinnen.extend(
            held.map(|op| {
                format!("De poort hield het op {} tegen, omdat het toen niet meer mocht.", datum::moment(op))
            }),
        );
        let refused = (self.geweigerd > 0).then(|| keer(self.geweigerd));
        zinnen.extend(
            refused.map(|times| {
                format!("{naar} wilde het ook lezen toen dat niet mocht, {times}; de poort weigerde dat.")
            }),
        );
        let last_day = tot_en_met.and_then(|day| day.parse::<Date>().ok()).map(datum::dag);
        zinnen.push(match (&self.einde, last_day) {
            (None, Some(day)) => format!("De poort bewaart de inhoud tot en met {day}."),
            (None, None) => "Tot wanneer de poort de inhoud bewaart is niet na te gaan.".to_owned(),
            (Some((op, soort, oorzaak)), _) => {
                format!(
                    "{}, op {}. De poort geeft de inhoud aan niemand meer.",
                    ended(*soort, oorzaak.as_deref(), van),
                    datum::moment(*op)
                )
            }
        });
        zinnen.extend(self.gevraagd.map(|op| {
            format!("{van} vroeg op {} aan {naar} om ook de eigen kopie te vernietigen.", datum::moment(op))
        }));
        zinnen.extend(self.geantwoord.as_ref().map(|(op, waarom)| {
            let wat = eigen_kopie(waarom.as_deref());
            format!("{naar} antwoordde op {}: {wat}.", datum::moment(*op))
        }));
        zinnen
    }
}

/// What became of the copy of an ontvanger, by the ground on which it keeps it; none where it destroyed it.
#[must_use]
pub fn eigen_kopie(kept: Option<&str>) -> &'static str {
    match kept {
        None => "de eigen kopie is vernietigd",
        Some("in_dossier_opgenomen") => "de eigen kopie staat in een dossier, en dat heeft een eigen bewaartermijn",
        Some("wettelijke_bewaarplicht") => "een wet verplicht om de eigen kopie te bewaren",
        Some(_) => "de eigen kopie wordt bewaard",
    }
}

fn keer(times: u64) -> String {
    if times == 1 { "1 keer".to_owned() } else { format!("{times} keer") }
}

/// How content ended.
fn ended(soort: Soort, oorzaak: Option<&str>, van: &str) -> String {
    let is = |one: Oorzaak| oorzaak == Some(one.as_str());
    match soort {
        Soort::Ingetrokken | Soort::VernietigingGevraagd => format!("{van} trok het in"),
        Soort::Beschadigd => "Het raakte beschadigd".to_owned(),
        _ if is(Oorzaak::Vervangen) => "Er kwam een nieuwer bericht voor in de plaats".to_owned(),
        _ if is(Oorzaak::Bevestigd) => "Na ontvangst is de inhoud vernietigd".to_owned(),
        _ => "De termijn is voorbij en de inhoud is vernietigd".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_bericht_is_told_in_order() {
        let regel = |soort, tijd: &str| Logregel::new(format!("2026-11-{tijd}:00:00.000000Z"), soort);
        let told = |regels: &[Logregel]| {
            let mut leven = Leven::default();
            for regel in regels {
                leven.take(regel);
            }
            leven.told("OM", "ZSM", Some("2027-02-12")).join(" ")
        };
        assert_eq!(told(&[]), "ZSM heeft het niet opgehaald. De poort bewaart de inhoud tot en met 12 februari 2027.");
        let kept = Logregel {
            weigering: Some("wettelijke_bewaarplicht".to_owned()),
            ..regel(Soort::VernietigingBevestigd, "14T10")
        };
        assert_eq!(
            told(&[
                regel(Soort::Afgeleverd, "12T10"),
                regel(Soort::Afgeleverd, "12T11"),
                regel(Soort::Geraadpleegd, "12T12"),
                regel(Soort::VernietigingGevraagd, "13T10"),
                kept,
            ]),
            "ZSM haalde het op op 12 november 2026 om 11.00 uur, en las het daarna nog 1 keer. OM trok het in, op 13 november 2026 om 11.00 \
             uur. De poort geeft de inhoud aan niemand meer. OM vroeg op 13 november 2026 om 11.00 uur aan ZSM om ook de eigen kopie te \
             vernietigen. ZSM antwoordde op 14 november 2026 om 11.00 uur: een wet verplicht om de eigen kopie te bewaren."
        );
        let replaced = Logregel { oorzaak: Some("vervangen".to_owned()), ..regel(Soort::Vernietigd, "20T09") };
        assert!(
            told(&[replaced])
                .contains("Er kwam een nieuwer bericht voor in de plaats, op 20 november 2026 om 10.00 uur.")
        );
        let held = Logregel { ontvanger: Some("x/y".to_owned()), ..regel(Soort::Geweigerd, "20T09") };
        assert!(told(&[held]).contains("De poort hield het op 20 november 2026 om 10.00 uur tegen"));
        let again = [regel(Soort::Geweigerd, "20T09"), regel(Soort::Geweigerd, "20T10")];
        assert!(told(&again).contains("ZSM wilde het ook lezen toen dat niet mocht, 2 keer; de poort weigerde dat."));
    }
}
