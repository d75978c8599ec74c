//! `backup` and `restore`: a copy of the database, and back, also into another kind of store.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::json;

use super::{Failure, inhoud::damage, logboek::verify::verify_all, print_line, progress::Bar};
use crate::{
    clock::{SystemClock, SystemRng},
    config::Config,
    domain::Clock,
    gateway::{GatewayError, reservekopie},
    proceslog,
    sleutels::{KeyDirectory, KeyError},
    store::{
        Database,
        copy::{self, CopyError},
        verify::{Sound, inhoud::Content},
    },
};

/// Maak een kopie van de database, ook terwijl de poort draait; de sleutels staan er niet in
#[derive(clap::Args)]
pub struct Backup {
    /// De configuratie, ketenpoort.toml
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// De reservekopie, een bestand dat nog niet bestaat
    #[arg(long, value_name = "FILE", required_unless_present = "map")]
    out: Option<PathBuf>,
    /// Een map waarin de kopie een naam krijgt met het moment: voor een kopie op vaste tijden
    #[arg(long, value_name = "DIR", conflicts_with = "out")]
    map: Option<PathBuf>,
    /// Verwijder daarna uit die map de kopieen die zoveel dagen oud zijn (1 tot en met 3660)
    #[arg(long, value_name = "DAGEN", requires = "map", value_parser = clap::value_parser!(u16).range(1..=3660))]
    bewaar_dagen: Option<u16>,
    /// Uitkomst als JSON
    #[arg(long)]
    json: bool,
}

/// Zet een reservekopie terug in een lege database, SQLite of PostgreSQL; het logboek blijft zoals het was
#[derive(clap::Args)]
pub struct Restore {
    /// De configuratie, ketenpoort.toml, met de database waarin het terugkomt
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// De reservekopie die backup maakte
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Uitkomst als JSON
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub async fn run(self) -> Result<(), Failure> {
        let config = Config::load(&self.config)?;
        let now = SystemClock.now();
        let out = match (&self.out, &self.map) {
            (Some(out), _) => out.clone(),
            (None, Some(map)) => map.join(named(now)),
            (None, None) => return Err(Failure::Usage("geef --out FILE of --map DIR".to_owned())),
        };
        let map = KeyDirectory::open(&config.sleutels, false, &SystemRng).map_err(GatewayError::from)?;
        let read = Database::read_only(&config.opslag).await.map_err(GatewayError::from)?;
        let bar = Bar::of("gekopieerd");
        copy::backup(&read, &config.sleutels, &out, &|done, all| bar.at(done, all)).await?;
        drop(bar);
        read.close().await;
        let made = copy::unpack(&out, Some(&map.mark())).await?;
        let copy = Config { opslag: made.opslag.clone(), ..config.clone() };
        let (sound, content) = verify_all(&copy).await?;
        warn_of_damage(content);
        if let Err(error) = reservekopie::remember(&config.reservekopie(), now) {
            proceslog::say(format_args!("waarschuwing: de poort hoort niet dat er een reservekopie is: {error}"));
        }
        // Only once there is a newer one that is good.
        if let (Some(map), Some(days)) = (&self.map, self.bewaar_dagen) {
            remove_old(map, now, days)?;
        }
        report("backup", "Reservekopie gemaakt", &sound, self.json)
    }
}

const BEFORE: &str = "ketenpoort-";
const AFTER: &str = ".db";
const MOMENT: &str = "%Y-%m-%dT%H%M%SZ";

/// The name of a backup of this moment.
fn named(now: Timestamp) -> String {
    format!("{BEFORE}{}{AFTER}", now.strftime(MOMENT))
}

/// Of which moment a file in the directory of backups is, where it is one.
fn moment_of(name: &str) -> Option<Timestamp> {
    let moment = name.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    Some(DateTime::strptime(MOMENT, moment).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Removes the backups in a directory that are so many days old, and nothing else. None, where no former one would stay: then either the clock
/// jumped, or no backup was made for so long, and somebody must look.
fn remove_old(map: &Path, now: Timestamp, days: u16) -> Result<(), Failure> {
    let wrong =
        |error: io::Error| Failure::Refused(format!("{}: oude kopieen zijn niet op te ruimen: {error}", map.display()));
    let oldest = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
    let new = named(now);
    let mut former: Vec<(Timestamp, PathBuf)> = Vec::new();
    for entry in fs::read_dir(map).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let name = entry.file_name();
        let moment = name.to_str().filter(|name| *name != new).and_then(moment_of);
        former.extend(moment.map(|of| (of, entry.path())));
    }
    let old: Vec<&PathBuf> = former.iter().filter(|(of, _)| *of <= oldest).map(|(_, path)| path).collect();
    if !old.is_empty() && old.len() == former.len() {
        proceslog::say(format_args!(
            "{}: alle eerdere kopieen zijn {days} dagen of ouder, en geen is verwijderd. Klopt de klok van deze machine? Zo ja, dan is er lang geen \
             kopie gemaakt: verwijder zelf wat weg moet.",
            map.display()
        ));
        return Ok(());
    }
    for path in old {
        fs::remove_file(path).map_err(wrong)?;
        proceslog::say(format_args!("{}: verwijderd, {days} dagen of ouder", path.display()));
    }
    Ok(())
}

impl Restore {
    pub async fn run(self) -> Result<(), Failure> {
        let config = Config::load(&self.config)?;
        let map = KeyDirectory::open(&config.sleutels, false, &SystemRng).map_err(GatewayError::from)?;
        let kept = copy::unpack(&self.from, Some(&map.mark())).await?;
        // What does not hold together is not put back: then a choice must be made by people.
        drop(verify_all(&Config { opslag: kept.opslag.clone(), ..config.clone() }).await?);
        let bar = Bar::of("teruggezet");
        copy::restore(&kept, &config.sleutels, &config.opslag, &|done, all| bar.at(done, all)).await?;
        drop(bar);
        let (sound, content) = verify_all(&config).await?;
        warn_of_damage(content);
        report("restore", "Teruggezet", &sound, self.json)
    }
}

/// Damaged content is no reason to have no backup, or not to put one back: the rest is worth as much. It is said all the same.
fn warn_of_damage(content: Result<Content, KeyError>) {
    match content {
        Ok(content) => {
            if let Some(damage) = damage(&content) {
                proceslog::say(format_args!("waarschuwing: {damage}"));
            }
        }
        Err(error) => proceslog::say(format_args!("waarschuwing: de inhoud is niet gecontroleerd: {error}")),
    }
}

fn report(stap: &str, what: &str, sound: &Sound, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let outcome =
            json!({"stap": stap, "logboek": "ok", "logregels": sound.regels(), "checkpoints": sound.checkpoints()});
        return print_line(&outcome.to_string());
    }
    print_line(&format!("{what}: het logboek klopt, {} regels, {} checkpoints.", sound.regels(), sound.checkpoints()))
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Store(_) => Self::Refused(error.to_string()),
            _ => Self::Usage(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_backups_are_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-30T03:10:00Z".parse().unwrap();
        let old = named("2026-09-01T03:10:00Z".parse().unwrap());
        let young = named("2026-11-29T03:10:00Z".parse().unwrap());
        assert_eq!(old, "ketenpoort-2026-09-01T031000Z.db");
        let others = ["ketenpoort.db", "ketenpoort-2026.db", "ketenpoort-2026-09-01T031000Z.db.bak", "notitie.txt"];
        for name in others.into_iter().chain([old.as_str(), young.as_str()]) {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        remove_old(dir.path(), now, 90).unwrap();
        let mut left: Vec<String> =
            fs::read_dir(dir.path()).unwrap().map(|of| of.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        let mut kept: Vec<String> = others.map(str::to_owned).to_vec();
        kept.push(young);
        kept.sort();
        assert_eq!(left, kept);
    }

    #[test]
    fn a_clock_that_jumped_removes_no_backup() {
        let dir = tempfile::tempdir().unwrap();
        let former = ["2026-11-28T03:10:00Z", "2026-11-29T03:10:00Z"].map(|of| named(of.parse().unwrap()));
        // Within its second, as the one that was just made is.
        let now: Timestamp = "2027-11-30T03:10:00.4Z".parse().unwrap();
        for name in former.iter().chain([&named(now)]) {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        remove_old(dir.path(), now, 14).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }
}
