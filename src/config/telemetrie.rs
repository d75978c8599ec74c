//! `[telemetrie]`: where telemetry goes, if anywhere.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    lezen::{
        fout::Fout,
        section::{Section, Vorm},
    },
    telemetry::{Collector, Protocol},
    uitgaand::Doel,
};

/// A collector, and with which files it is spoken to.
#[derive(Clone, Debug)]
pub struct Telemetrie {
    /// Where, and how.
    pub collector: Collector,
    /// The CAs of its certificate, PEM; absent where it is on this machine.
    pub ca: Option<PathBuf>,
    /// Certificate chain and private key with which the gateway makes itself known, PEM.
    pub bekend_als: Option<(PathBuf, PathBuf)>,
}

impl FromStr for Protocol {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "grpc" => Ok(Self::Grpc),
            "http" => Ok(Self::Http),
            _ => Err(()),
        }
    }
}

/// The section of the collector.
pub(super) fn telemetrie(section: Section<'_>, base: &Path) -> Option<Telemetrie> {
    let address = Vorm::fixed(
        "een adres als https://collector.voorbeeld.nl:4317, of op deze machine http://127.0.0.1:4317, zonder gebruiker of wachtwoord",
        "an address such as https://collector.example.org:4317, or on this machine http://127.0.0.1:4317, without user or password",
    );
    let way = Vorm::fixed("\"grpc\" of \"http\"", "\"grpc\" or \"http\"");
    let doel = section.parsed::<Doel>("adres", &address);
    let protocol = section.optional_parsed::<Protocol>("protocol", &way).map_or(Protocol::Grpc, |way| way.value);
    let percent = section.optional_number("sporen_procent", 0..=100).map_or(100, |number| number.value);
    let file = |key| section.optional_text(key).map(|file| base.join(file.value));
    let (ca, certificaat, sleutel) = (file("ca"), file("certificaat"), file("sleutel"));
    let missing = |sleutel: &str| {
        section.mistake(
            section.line(),
            Fout::Ontbreekt { sleutel: sleutel.to_owned(), waarin: "[telemetrie]".to_owned() },
        );
    };
    // Without CA's nobody could tell whether it is this collector that answers.
    if doel.as_ref().is_some_and(|doel| doel.value.is_secure()) && ca.is_none() {
        missing("ca");
    }
    match (&certificaat, &sleutel) {
        (Some(_), None) => missing("sleutel"),
        (None, Some(_)) => missing("certificaat"),
        _ => {}
    }
    section.finish();
    let percent = u8::try_from(percent).expect("at most a hundred");
    let collector = Collector { doel: doel?.value, protocol, percent };
    Some(Telemetrie { collector, ca, bekend_als: certificaat.zip(sleutel) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lezen::{Mistakes, section::read_toml};

    fn read(text: &str) -> Result<Telemetrie, String> {
        let mistakes = Mistakes::default();
        let read = read_toml(Path::new("ketenpoort.toml"), text, &mistakes, |root| {
            let read = root.section("telemetrie").and_then(|section| telemetrie(section, Path::new("/etc/kp")));
            root.finish();
            read
        });
        mistakes.outcome().map_err(|fouten| fouten.to_string())?;
        Ok(read.expect("a section without mistakes gives a collector"))
    }

    #[test]
    fn a_collector_is_on_this_machine_or_known_by_its_ca() {
        let here = read("[telemetrie]\nadres = \"http://127.0.0.1:4317\"").unwrap();
        assert_eq!((here.collector.protocol, here.collector.percent, here.ca), (Protocol::Grpc, 100, None));
        let far = "[telemetrie]\nadres = \"https://otel.example:4318\"\nprotocol = \"http\"\nsporen_procent = 5\nca = \"ca.pem\"";
        let far = read(far).unwrap();
        assert_eq!((far.collector.protocol, far.collector.percent), (Protocol::Http, 5));
        assert_eq!(far.ca, Some(PathBuf::from("/etc/kp/ca.pem")));
    }

    #[test]
    fn what_would_send_it_to_anybody_or_nowhere_is_a_mistake() {
        for (lines, said) in [
            ("adres = \"http://otel.example:4317\"", "https"),
            ("adres = \"https://u:p@otel.example\"\nca = \"ca.pem\"", "zonder gebruiker of wachtwoord"),
            ("adres = \"https://otel.example:4317\"", "ca"),
            ("adres = \"http://[::1]:4317\"\nprotocol = \"json\"", "\"grpc\" of \"http\""),
            ("adres = \"http://[::1]:4317\"\nsporen_procent = 101", "100"),
            ("adres = \"http://[::1]:4317\"\ncertificaat = \"cert.pem\"", "sleutel"),
            ("adres = \"http://[::1]:4317\"\nsleutel = \"key.pem\"", "certificaat"),
            ("protocol = \"grpc\"", "adres"),
            ("adres = \"http://[::1]:4317\"\ntimeout = 3", "timeout"),
        ] {
            let refused = read(&format!("[telemetrie]\n{lines}")).unwrap_err();
            assert!(refused.contains(said), "{lines}\n{refused}");
        }
    }
}
