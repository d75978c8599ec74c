//! `doctor`: from a partner's side, what is wrong between it and the gateway. Each part is looked at that can still be, and says what to do.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use serde_json::json;
use tokio::{net::TcpStream, net::lookup_host, time::timeout};
use tonic::transport::{Channel, Uri};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Failure, print_line};
use crate::{client::Profile, clock::SystemClock, domain::Clock, exchange::datum, tls::settings};

/// How long one step over the network may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A certificate that ends within so many days deserves a look.
const SOON_DAYS: i64 = 30;
/// So far a clock may be off, seconds.
const CLOCK: i64 = 30;

#[derive(clap::Args)]
pub struct Doctor {
    /// De map met cert.pem, key.pem, ca.pem en profiel.toml
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
    /// Een JSON-object per onderdeel
    #[arg(long)]
    json: bool,
}

/// What was found of one part: how it is, or what is wrong and what to do.
struct Bevinding {
    onderdeel: &'static str,
    gevonden: Result<String, String>,
}

impl Doctor {
    /// Exit code 0 where all is well, 1 where something is wrong, 2 without a usable profile, 3 where the gateway cannot be reached.
    pub async fn run(self) -> Result<(), Failure> {
        let profile = Profile::load(&self.profile)?;
        let now = SystemClock.now();
        let mut all = of_files(&self.profile, now);
        let channel = reach(&profile, &mut all).await;
        let reached = channel.is_some();
        if let Some(channel) = channel {
            all.extend(asked(channel).await);
        }
        for Bevinding { onderdeel, gevonden } in &all {
            let (goed, tekst) = match gevonden {
                Ok(tekst) => (true, tekst),
                Err(tekst) => (false, tekst),
            };
            let mark = if goed { "goed" } else { "FOUT" };
            print_line(&if self.json {
                json!({"onderdeel": onderdeel, "goed": goed, "tekst": tekst}).to_string()
            } else {
                format!("{mark}  {onderdeel}: {tekst}")
            })?;
        }
        let wrong = all.iter().filter(|of| of.gevonden.is_err()).count();
        match wrong {
            0 => Ok(()),
            _ if !reached => {
                Err(Failure::Unreachable("de poort is zo niet te bereiken; hierboven staat waarom".to_owned()))
            }
            1 => Err(Failure::Refused("1 onderdeel is niet goed".to_owned())),
            many => Err(Failure::Refused(format!("{many} onderdelen zijn niet goed"))),
        }
    }
}

fn of_files(dir: &Path, now: Timestamp) -> Vec<Bevinding> {
    let (cert, key, ca) = (dir.join("cert.pem"), dir.join("key.pem"), dir.join("ca.pem"));
    let own = settings::certificates(&cert).map_err(|error| error.to_string());
    let certificaat = own.and_then(|chain| {
        let oin = settings::own_oin(&cert).map_err(|error| error.to_string())?;
        Ok(format!(
            "OIN {oin}, {}",
            term(
                &chain[0],
                now,
                "Vraag een nieuw aan, met een nieuw sleutelpaar, en laat beheer weten dat het er is."
            )?
        ))
    });
    let sleutel = settings::certified_key(&cert, &key).map_err(|error| error.to_string());
    let vertrouwd = settings::certificates(&ca).map_err(|error| error.to_string());
    let vertrouwd = vertrouwd.and_then(|found| {
        let terms = found.iter().map(|one| term(one, now, "Vraag beheer om de nieuwe ca.pem."));
        Ok(terms.collect::<Result<Vec<_>, _>>()?.join("; "))
    });
    vec![
        Bevinding { onderdeel: "uw certificaat", gevonden: certificaat },
        Bevinding { onderdeel: "uw sleutel", gevonden: sleutel.map(|_| "hoort bij uw certificaat".to_owned()) },
        Bevinding { onderdeel: "wie u vertrouwt (ca.pem)", gevonden: vertrouwd },
    ]
}

/// How long a certificate holds, or that it does not.
fn term(certificate: &[u8], now: Timestamp, remedy: &str) -> Result<String, String> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| "niet te lezen".to_owned())?;
    let moment = |of: i64| Timestamp::from_second(of).unwrap_or(Timestamp::MAX);
    let (from, until) =
        (moment(parsed.validity().not_before.timestamp()), moment(parsed.validity().not_after.timestamp()));
    let left = until.duration_since(now).as_hours() / 24;
    match () {
        () if now < from => Err(format!("geldt pas vanaf {}. Klopt uw klok?", datum::moment(from))),
        () if until <= now => Err(format!("verlopen op {}. {remedy}", datum::moment(until))),
        () if left < SOON_DAYS => Ok(format!("geldig tot {}, nog {left} dagen. {remedy}", datum::moment(until))),
        () => Ok(format!("geldig tot {}", datum::moment(until))),
    }
}

/// Looks at the way to the gateway, as far as it goes.
async fn reach(profile: &Profile, all: &mut Vec<Bevinding>) -> Option<Channel> {
    let uri: Option<Uri> = profile.adres().parse().ok();
    let at = uri.as_ref().and_then(|uri| Some((uri.host()?.trim_matches(['[', ']']), uri.port_u16().unwrap_or(7443))));
    let Some((host, port)) = at else {
        let wrong =
            format!("{} is geen adres als https://poort.voorbeeld.nl:7443; kijk in profiel.toml", profile.adres());
        all.push(Bevinding { onderdeel: "het adres", gevonden: Err(wrong) });
        return None;
    };
    let found = timeout(PATIENCE, lookup_host((host, port)))
        .await
        .map_or_else(|_| Err("geen antwoord".to_owned()), |found| found.map_err(|error| error.to_string()));
    let gevonden = match &found {
        Ok(_) => Ok(format!("{host} is bekend")),
        Err(why) => Err(format!("{host} is niet te vinden ({why}). Kijk het adres in profiel.toml na, en uw DNS.")),
    };
    all.push(Bevinding { onderdeel: "de naam", gevonden });
    drop(found.ok()?);
    let open = timeout(PATIENCE, TcpStream::connect((host, port))).await;
    let open =
        open.map_or_else(|_| Err("geen antwoord".to_owned()), |open| open.map(drop).map_err(|error| error.to_string()));
    let is_open = open.is_ok();
    let gevonden = match open {
        Ok(()) => Ok(format!("poort {port} is open")),
        Err(why) => Err(format!(
            "poort {port} antwoordt niet ({why}). Staat uw firewall verkeer naar {host}:{port} toe, en draait de poort?"
        )),
    };
    all.push(Bevinding { onderdeel: "de weg erheen", gevonden });
    if !is_open {
        return None;
    }
    let connected = timeout(PATIENCE, profile.channel()).await;
    let (channel, gevonden) = match connected {
        Ok(Ok(channel)) => (Some(channel), Ok("TLS 1.3, over en weer herkend".to_owned())),
        Ok(Err(error)) => (None, Err(error.to_string())),
        Err(_) => (None, Err("de handdruk duurt te lang; staat er iets tussen dat TLS openbreekt?".to_owned())),
    };
    all.push(Bevinding { onderdeel: "de verbinding", gevonden });
    channel
}

/// Asks the gateway how it stands, and compares clocks by its answer.
async fn asked(channel: Channel) -> Vec<Bevinding> {
    let answer = timeout(PATIENCE, HealthClient::new(channel).check(HealthCheckRequest::default())).await;
    let answer = match answer {
        Err(_) => Err("geen antwoord".to_owned()),
        Ok(Err(status)) => Err(format!("{:?}: {}", status.code(), status.message())),
        Ok(Ok(answer)) => Ok(answer),
    };
    let (dienst, klok) = match answer {
        Err(why) => (Err(format!("de poort antwoordt niet op de vraag of zij dient: {why}")), None),
        Ok(answer) => {
            let now = SystemClock.now();
            let date = answer.metadata().get("date").and_then(|date| date.to_str().ok());
            let theirs = date.and_then(|date| rfc2822::parse(date).ok()).map(|zoned| zoned.timestamp());
            let dienst = match answer.get_ref().status() {
                ServingStatus::Serving => Ok("de poort doet dienst, en kent u".to_owned()),
                _ => {
                    Err("de poort zegt dat zij nu geen dienst doet. Probeer het later; duurt het lang, bel dan beheer."
                        .to_owned())
                }
            };
            (dienst, theirs.map(|theirs| clock(now.duration_since(theirs))))
        }
    };
    let klok = klok.map(|gevonden| Bevinding { onderdeel: "uw klok", gevonden });
    std::iter::once(Bevinding { onderdeel: "de dienst", gevonden: dienst }).chain(klok).collect()
}

fn clock(off: SignedDuration) -> Result<String, String> {
    let seconds = off.as_secs();
    match seconds.abs() {
        0..=CLOCK => Ok("gelijk met die van de poort".to_owned()),
        _ if seconds > 0 => Err(format!("loopt {seconds} seconden voor op die van de poort. Zet hem gelijk (NTP).")),
        behind => Err(format!("loopt {behind} seconden achter op die van de poort. Zet hem gelijk (NTP).")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_off_is_said_with_how_and_by_how_much() {
        assert!(clock(SignedDuration::from_secs(29)).is_ok());
        assert!(clock(SignedDuration::from_secs(-300)).unwrap_err().contains("300 seconden achter"));
        assert!(clock(SignedDuration::from_secs(31)).unwrap_err().contains("31 seconden voor"));
    }
}
