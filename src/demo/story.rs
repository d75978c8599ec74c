//! The story as data: days and steps. What is sent stands in the casussen; here is only its name, as `casus/bericht`.

use serde::Deserialize;

const WEEK: &str = include_str!("../../deploy/voorbeeld/week.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    pub titel: String,
    pub dagen: Vec<Dag>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dag {
    #[serde(rename = "dag")]
    pub naam: String,
    pub verhaal: String,
    pub stappen: Vec<Stap>,
}

#[derive(Deserialize)]
pub struct Stap {
    /// Short name of the step in the JSON output.
    #[serde(rename = "stap")]
    pub naam: String,
    /// What happens, for people.
    pub tekst: String,
    #[serde(flatten)]
    pub doe: Doe,
}

#[derive(Deserialize)]
#[serde(tag = "doe", rename_all = "snake_case")]
pub enum Doe {
    /// One asks, the others answer, all within the call.
    Ask(Vraag),
    /// Sends one bericht, which may have to be refused.
    Send(Verzending),
    /// Receives and confirms exactly these.
    Receive(Ontvangst),
    /// Reads one again.
    Fetch(Lezing),
    /// Looks where one stands.
    Status(Stand),
    /// Takes one back.
    Withdraw(Intrekking),
    /// Looks for the scenario's of a person.
    Find(Zoeken),
    /// Which consulted scenario's wait for a terugkoppeling: exactly these.
    OpenTerugkoppeling(Openstaand),
    /// A certificate of an unknown CA.
    Vreemd {},
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vraag {
    pub bericht: String,
    pub antwoorden: Vec<String>,
    pub wacht_seconden: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verzending {
    pub bericht: String,
    /// As what it is refused.
    pub weigering: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ontvangst {
    pub als: String,
    pub loket: String,
    /// One that the gateway made gets its name here: `casus/berichtsoort`.
    pub berichten: Vec<String>,
    pub medewerker: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lezing {
    pub als: String,
    pub loket: String,
    pub bericht: String,
    pub medewerker: String,
    /// The rectificaties that stand beside it.
    #[serde(default)]
    pub correcties: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stand {
    pub als: String,
    pub bericht: String,
    /// Of all its ontvangers.
    pub toestand: String,
    /// What they said to have done with their copy.
    pub vernietiging: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intrekking {
    pub bericht: String,
    pub reden: String,
    pub toelichting: String,
    pub medewerker: String,
    /// What it does for all its ontvangers.
    pub uitkomst: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zoeken {
    pub als: String,
    /// As `casus/betrokkene`.
    pub persoon: String,
    /// By which of the person's fields.
    pub met: Vec<String>,
    pub zaaknummer: String,
    pub medewerker: String,
    pub gevonden: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Openstaand {
    pub als: String,
    pub loket: String,
    pub berichten: Vec<String>,
}

impl Story {
    pub fn read() -> Self {
        serde_json::from_str(WEEK).expect("a test reads the story that is compiled in")
    }

    pub fn steps(&self) -> usize {
        self.stappen().count()
    }

    fn stappen(&self) -> impl Iterator<Item = &Stap> {
        self.dagen.iter().flat_map(|dag| &dag.stappen)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;
    use crate::{
        cli::casus::Casussen,
        clock::SystemClock,
        domain::{Berichtsoort, Clock},
        grpc::{codec::from_json, content::berichtsoort},
        proto,
    };

    const SOME_BERICHT: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    /// What a step names: first what it sends, then what it only refers to.
    fn named(doe: &Doe) -> (Vec<&String>, Vec<&String>) {
        match doe {
            Doe::Ask(vraag) => ([&vraag.bericht].into_iter().chain(&vraag.antwoorden).collect(), Vec::new()),
            Doe::Send(verzending) => (vec![&verzending.bericht], Vec::new()),
            Doe::Receive(ontvangst) => (Vec::new(), ontvangst.berichten.iter().collect()),
            Doe::Fetch(lezing) => (Vec::new(), [&lezing.bericht].into_iter().chain(&lezing.correcties).collect()),
            Doe::Status(stand) => (Vec::new(), vec![&stand.bericht]),
            Doe::Withdraw(intrekking) => (Vec::new(), vec![&intrekking.bericht]),
            Doe::Find(zoeken) => (Vec::new(), zoeken.gevonden.iter().collect()),
            Doe::OpenTerugkoppeling(openstaand) => (Vec::new(), openstaand.berichten.iter().collect()),
            Doe::Vreemd {} => (Vec::new(), Vec::new()),
        }
    }

    #[test]
    fn the_week_sends_every_bericht_of_every_casus_once_and_names_only_what_it_sent() {
        let (story, casussen) = (Story::read(), Casussen::read());
        let mut played = BTreeSet::new();
        for stap in story.stappen() {
            let (sends, names) = named(&stap.doe);
            for bericht in sends {
                assert!(played.insert(bericht.clone()), "{} sends {bericht} again", stap.naam);
            }
            for bericht in names {
                let soort = bericht.split_once('/').expect("casus/bericht").1;
                let from_gateway = soort.parse().is_ok_and(Berichtsoort::from_gateway);
                assert!(from_gateway || played.contains(bericht), "{} names {bericht} too early", stap.naam);
            }
            if let Doe::Find(zoeken) = &stap.doe {
                casussen.betrokkene(&zoeken.persoon, SystemClock.now()).unwrap();
            }
        }
        assert_eq!(played, casussen.namen().collect());
        let steps: BTreeSet<&String> = story.stappen().map(|stap| &stap.naam).collect();
        assert_eq!(steps.len(), story.steps(), "two steps have the same name");
    }

    #[test]
    fn every_bericht_of_a_casus_parses_as_what_it_says_it_is_and_names_only_its_own_casus() {
        let casussen = Casussen::read();
        let all: BTreeSet<String> = casussen.namen().collect();
        for naam in &all {
            // A vernietigingsverzoek has no file: the gateway makes it.
            let known = |asked: &str| {
                let there = all.contains(asked) || asked.ends_with("/vernietigingsverzoek");
                (asked != naam && there).then(|| SOME_BERICHT.to_owned())
            };
            let filled = casussen.verzoek(naam, SystemClock.now(), &known).unwrap_or_else(|error| panic!("{error:?}"));
            let request: proto::SendRequest = from_json(filled).unwrap_or_else(|error| panic!("{naam}: {error}"));
            let soort = request.inhoud.and_then(|inhoud| inhoud.soort).expect("content");
            assert_eq!(berichtsoort(&soort).as_str(), casussen.bericht(naam).unwrap().soort, "{naam}");
        }
    }

    #[test]
    fn the_directory_holds_the_casussen_that_are_compiled_in_with_everybody_used_and_invented() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/voorbeeld/casussen");
        let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
        let files: Vec<_> =
            files.filter(|file| file.extension().is_some_and(|extension| extension == "json")).collect();
        let week =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/voorbeeld/week.json")).unwrap();
        let mut there = BTreeSet::new();
        for file in files {
            let (casus, text) = (file.file_stem().unwrap().to_str().unwrap(), fs::read_to_string(&file).unwrap());
            there.insert(casus.to_owned());
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            for (naam, betrokkene) in json["betrokkenen"].as_object().unwrap() {
                let used =
                    text.contains(&format!("{{betrokkene:{naam}}}")) || week.contains(&format!("{casus}/{naam}\""));
                assert!(used, "nobody needs {casus}/{naam}");
                // No BSN that starts with 9999 was ever issued.
                assert!(betrokkene["bsn"].as_str().is_none_or(|bsn| bsn.starts_with("9999")), "{casus}/{naam}");
            }
        }
        let compiled: BTreeSet<String> =
            Casussen::read().namen().filter_map(|naam| Some(naam.split_once('/')?.0.to_owned())).collect();
        assert_eq!(there, compiled);
    }
}
