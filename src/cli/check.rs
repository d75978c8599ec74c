//! `check`: what a configuration allows, what is wrong in it, and what a change of it means. Opens no database and no key.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Failure, print_line};
use crate::{
    check::{
        bevindingen::{Bevinding, Onderwerp, bevindingen},
        certificaten,
        mermaid::mermaid,
        svg::svg,
        tabel::tabel,
    },
    clock::SystemClock,
    config::{Config, is_configuration},
    documenten::{DEELNEMERS, Parsed, compared, print::print},
    domain::{Clock, Stroom, Termijn, VanKracht, houdbaarheid::amsterdam_date, matrix::matrix, verschil::verschil},
    lezen::{Fouten, Mistake},
    proceslog,
};

/// Everything is judged as in production: an unconfirmed grondslag counts only when somebody accepted it.
const PRODUCTIE: bool = true;

#[derive(Args)]
pub struct Check {
    /// De configuratie, ketenpoort.toml
    #[arg(long, value_name = "FILE", required_unless_present = "diff", conflicts_with = "diff")]
    config: Option<PathBuf>,
    /// Zeg wat het betekent dat NEW in de plaats komt van OLD: twee configuraties of twee convenanten
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"])]
    diff: Option<Vec<PathBuf>>,
    /// Toon alleen wat dit convenant toestaat, bijvoorbeeld voor zijn bijlage
    #[arg(long, value_name = "NAAM", conflicts_with = "diff")]
    convenant: Option<String>,
    /// Fouten, waarschuwingen en stromen als JSON, een per regel; hetzelfde als --form json
    #[arg(long, conflicts_with = "form")]
    json: bool,
    /// Hoe de uitwisselingsmatrix wordt getoond
    #[arg(long, value_enum, default_value = "tabel", conflicts_with = "diff")]
    form: Form,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Form {
    /// Een tabel, per convenant
    Tabel,
    /// Een object per regel
    Json,
    /// Een stromenschema als Mermaid
    Mermaid,
    /// Een stromenschema als SVG, voor de bijlage van een convenant: check ... --form svg > bijlage.svg
    Svg,
    /// De convenanten in een vaste vorm
    Toml,
}

pub fn run(check: &Check) -> Result<(), Failure> {
    let now = SystemClock.now();
    let day = amsterdam_date(now);
    let json = check.json || check.form == Form::Json;
    if let Some([oud_file, nieuw_file]) = check.diff.as_deref() {
        let (oud, nieuw) = or_mistakes(both(oud_file, nieuw_file, now), json)?;
        let zinnen = verschil(&oud, &nieuw, day);
        if !is_configuration(oud_file) && !is_configuration(nieuw_file) {
            proceslog::say("Partners, loketten en mandaten zijn hier niet nagekeken; dat doet beheer load --dry-run.");
        }
        if json {
            return zinnen.iter().try_for_each(|zin| print_line(&json!({"verschil": zin}).to_string()));
        }
        if zinnen.is_empty() {
            return print_line("Er verandert niets aan wie wat aan wie mag sturen.");
        }
        return zinnen.iter().try_for_each(|zin| print_line(zin));
    }
    let file = check.config.as_deref().expect("clap asks for it");
    if !is_configuration(file)
        && matches!(compared::convenanten([file, file]), Ok((_, [convenant, _])) if !convenant.regels.is_empty())
    {
        return Err(Failure::Usage(format!(
            "{} is een convenant en geen configuratie. Zet het bij convenanten in ketenpoort.toml (ketenpoort init maakt \
             een voorbeeld) en geef dat met --config; --convenant NAAM toont dan alleen dit convenant.",
            file.display()
        )));
    }
    // Development certificates are a warning here: what they may exchange is judged as with real ones.
    let (config, parsed) = or_mistakes(Config::load_with_documents(file, false, now), json)?;
    // Files come in force together.
    let van_kracht = parsed.clone().van_kracht(0, &config.omgeving(PRODUCTIE)).loaded_at(now);
    let mut found = bevindingen(&van_kracht, day);
    found.extend(certificaten::bevindingen(&config, now));
    for bevinding in &found {
        warn(bevinding, &config, &parsed, json)?;
    }
    let van_kracht = match &check.convenant {
        Some(naam) => only(naam, &config, parsed.clone())?,
        None => van_kracht,
    };
    match check.form {
        _ if json => {
            matrix(&van_kracht, day).iter().try_for_each(|stroom| print_line(&stroom_json(stroom).to_string()))
        }
        Form::Mermaid => print_line(mermaid(&van_kracht, day).trim_end()),
        Form::Svg => print_line(svg(&van_kracht, day).trim_end()),
        Form::Toml => parsed.convenanten.iter().try_for_each(|convenant| print_line(&print(convenant))),
        Form::Tabel | Form::Json => print_line(tabel(&van_kracht, day).trim_end()),
    }
}

/// What is in force by one convenant alone.
fn only(naam: &str, config: &Config, mut parsed: Parsed) -> Result<VanKracht, Failure> {
    let all = parsed.convenanten.iter().map(|convenant| convenant.naam.clone()).collect::<Vec<_>>().join(", ");
    parsed.convenanten.retain(|convenant| convenant.naam == naam);
    if parsed.convenanten.is_empty() {
        return Err(Failure::Usage(format!("er is geen convenant {naam}; er zijn: {all}")));
    }
    Ok(parsed.van_kracht(0, &config.omgeving(PRODUCTIE)))
}

/// Tells every mistake: as data where JSON is asked, else as a message.
fn or_mistakes<T>(outcome: Result<T, Fouten>, json: bool) -> Result<T, Failure> {
    let Fouten(mistakes) = match outcome {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    for Mistake { file, line, fout } in &mistakes {
        if json {
            let (bestand, uitleg, explanation) = (file.display().to_string(), fout.uitleg(), fout.explanation());
            let object = json!({"fout": fout.code(), "bestand": bestand, "regelnummer": line, "uitleg": uitleg,
                "explanation": explanation});
            print_line(&object.to_string())?;
        } else {
            proceslog::say(format_args!("{}: {} ({})", place(file, *line), fout.uitleg(), fout.code()));
        }
    }
    let count = mistakes.len();
    Err(Failure::Usage(format!("{count} {}.", if count == 1 { "fout" } else { "fouten" })))
}

fn place(file: &Path, line: usize) -> String {
    if line == 0 { file.display().to_string() } else { format!("{}:{line}", file.display()) }
}

fn warn((onderwerp, waarschuwing): &Bevinding, config: &Config, parsed: &Parsed, json: bool) -> Result<(), Failure> {
    let (file, line) = locate(onderwerp, config, parsed);
    let (code, uitleg) = (waarschuwing.code(), waarschuwing.uitleg());
    if !json {
        proceslog::say(format_args!("{}: let op: {uitleg} ({code})", place(&file, line)));
        return Ok(());
    }
    let object = json!({"waarschuwing": code, "bestand": file.display().to_string(), "regelnummer": line,
        "uitleg": uitleg, "explanation": waarschuwing.explanation()});
    print_line(&object.to_string())
}

/// The file and line of what a warning is about; line 0 is the file as a whole.
fn locate(onderwerp: &Onderwerp, config: &Config, parsed: &Parsed) -> (PathBuf, usize) {
    // The deelnemers come first, and without a mistake every file gave a document.
    let files: Vec<&PathBuf> = std::iter::once(&config.deelnemers).chain(&config.convenanten).collect();
    let of = |naam: &str, header: &str, id: Option<&str>| {
        let at = parsed.documenten.iter().position(|document| document.naam == naam).unwrap_or(0);
        let tekst = &parsed.documenten[at].tekst;
        (files[at].clone(), id.map_or(0, |id| line_of(tekst, header, id)))
    };
    match onderwerp {
        Onderwerp::Geheel => (config.deelnemers.clone(), 0),
        Onderwerp::Convenant(naam) => of(naam, "", None),
        Onderwerp::Grondslag(naam, id) => of(naam, "[[grondslag]]", Some(id)),
        Onderwerp::Regel(naam, id) => of(naam, "[[regel]]", Some(id)),
        Onderwerp::Mandaat(id) => of(DEELNEMERS, "[[mandaat]]", Some(id)),
        Onderwerp::Bestand(file) => (file.clone(), 0),
    }
}

/// The line of the table with this id; 0 where somebody writes tables in another way than with a header.
fn line_of(tekst: &str, header: &str, id: &str) -> usize {
    let mut start = None;
    for (line, number) in tekst.lines().map(str::trim).zip(1..) {
        if line.starts_with('[') {
            start = line.starts_with(header).then_some(number);
        }
        let value = line.strip_prefix("id").map(str::trim_start).and_then(|rest| rest.strip_prefix('='));
        let named = value.and_then(|value| value.split(['"', '\'']).nth(1)) == Some(id);
        if let Some(start) = start.filter(|_| named) {
            return start;
        }
    }
    0
}

fn stroom_json(stroom: &Stroom) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("stroom", stroom.berichtsoort.as_str().into());
    put("van", stroom.van.to_string().into());
    put("naar", stroom.naar.to_string().into());
    if let Some(doelgroep) = stroom.doelgroep {
        put("doelgroep", doelgroep.as_str().into());
    }
    if let Some(categorie) = stroom.categorie {
        put("categorie", categorie.as_str().into());
    }
    put("grondslag", stroom.grondslag.as_str().into());
    if stroom.keuze {
        // The rule leaves a choice: a sender that names no grondslag is refused.
        put("grondslag_kiezen", true.into());
    }
    // ISO 8601, as programs read it.
    let houdbaarheid = match stroom.houdbaarheid {
        Termijn::Maanden(maanden) => format!("P{maanden}M"),
        Termijn::Dagen(dagen) => format!("P{dagen}D"),
    };
    put("houdbaarheid", houdbaarheid.into());
    if let Some(afwijking) = &stroom.afwijking {
        put("afwijking", afwijking.as_str().into());
    }
    put("telt_vanaf", stroom.telt_vanaf.as_str().into());
    put("bsn_toegestaan", stroom.bsn_toegestaan.into());
    if !stroom.mandaten.is_empty() {
        put("mandaten", stroom.mandaten.clone().into());
    }
    if !stroom.mede_ontvanger.is_empty() {
        put("mede_ontvanger", stroom.mede_ontvanger.iter().map(ToString::to_string).collect::<Vec<_>>().into());
    }
    put("max_verlengingen", stroom.max_verlengingen.into());
    put("bewaar_inhoud", stroom.bewaar_inhoud.as_str().into());
    put("convenant", stroom.convenant.as_str().into());
    put("regel", stroom.regel.as_str().into());
    Value::Object(object)
}

/// Old and new, from two configurations or from two convenanten. What stands in the old one was loaded first: what is new
/// comes beside it.
fn both(oud: &Path, nieuw: &Path, now: Timestamp) -> Result<(VanKracht, VanKracht), Fouten> {
    if is_configuration(oud) || is_configuration(nieuw) {
        let load = |file, oud: Option<&VanKracht>| {
            let (config, parsed) = Config::load_after(file, oud, now)?;
            Ok(parsed.van_kracht(0, &config.omgeving(PRODUCTIE)))
        };
        let oud = load(oud, None)?.loaded_at(long_before(now));
        let nieuw = load(nieuw, Some(&oud))?.loaded_after(&oud, now);
        return Ok((oud, nieuw));
    }
    let (deelnemers, convenanten) = compared::convenanten([oud, nieuw])?;
    let [oud, nieuw] = convenanten.map(|convenant| VanKracht::new(0, PRODUCTIE, deelnemers.clone(), vec![convenant]));
    let oud = oud.loaded_at(long_before(now));
    let nieuw = nieuw.loaded_after(&oud, now);
    Ok((oud, nieuw))
}

/// When what is in force already was loaded, which files do not tell: before anything that is loaded now.
fn long_before(now: Timestamp) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(now)
}
