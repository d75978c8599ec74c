//! The command line: one file a subcommand. Data to stdout, messages to stderr.
//!
//! Exit code 0 done, 1 refused or verification failed, 2 usage or configuration, 3 unreachable.

mod backup;
mod beheer;
pub(crate) mod casus;
mod certs;
mod check;
mod datadir;
mod dienst;
mod doctor;
mod healthcheck;
mod inhoud;
mod inzage;
pub(crate) mod logboek;
mod loketten;
pub(crate) mod partner;
mod progress;
mod scenario;
pub(crate) mod serve;
pub(crate) mod template;
pub(crate) mod voorstel;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    client::ClientError,
    demo,
    gateway::GatewayError,
    lezen::Fouten,
    proceslog::{self, NoFilter},
    store::{StoreError, verify::VerifyError},
};

pub(crate) use datadir::{Ports, create as create_data_dir};

/// Beveiligde berichtenpoort tussen de partners van Zorg- en Veiligheidshuizen.
#[derive(Parser)]
#[command(name = "ketenpoort", version = VERSION, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Speel het hele verhaal: een week in De Baronie, met echte certificaten op SQLite
    Demo(demo::Arguments),
    /// Toon wat een configuratie toestaat, wat erin fout is, en wat een wijziging betekent
    Check(check::Check),
    /// Draai de poort
    Serve(serve::Arguments),
    /// Maak een map om mee te beginnen: configuratie, convenant, ontwikkelcertificaten
    Init {
        /// De map, die nog niet bestaat of leeg is
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
    },
    /// Certificaten om mee te ontwikkelen
    #[command(subcommand)]
    Certs(certs::Command),
    /// Stuur een bericht en krijg het ontvangstbewijs
    Send(partner::Send),
    /// Stuur een verzoek en wacht op de antwoorden
    Ask(partner::Ask),
    /// Ontvang en bevestig wat er in een postvak wacht
    Receive(partner::Receive),
    /// Lees een ontvangen bericht opnieuw
    Fetch(partner::Fetch),
    /// Vraag waar een bericht staat, of welke scenario's op terugkoppeling wachten
    Status(partner::Status),
    /// Trek een eigen bericht in; wie het al kreeg wordt om vernietiging gevraagd
    Withdraw(scenario::Withdraw),
    /// Zoek de scenario's die voor een persoon klaarliggen
    Find(scenario::Find),
    /// Toon wie er bij welk loket te bereiken is, en waarheen een gesloten loket verwijst
    Loketten(loketten::Loketten),
    /// Zoek uit wat er mis is tussen u en de poort: certificaat, sleutel, naam, netwerk, TLS, klok
    Doctor(doctor::Doctor),
    /// Wat van kracht is: bekijken en wijzigen, met het certificaat van een beheerder
    #[command(subcommand)]
    Beheer(beheer::Command),
    /// Dossiers van wie vraagt wat er over hem of haar is uitgewisseld (inzage), met het certificaat van een contactpunt
    #[command(subcommand)]
    Inzage(inzage::Command),
    /// Vraag of de poort van deze configuratie dienst doet; voor een container of een balancer op deze machine
    Healthcheck(healthcheck::Healthcheck),
    Backup(backup::Backup),
    Restore(backup::Restore),
    /// Het logboek: controleren, bewijzen, doorzoeken
    #[command(subcommand)]
    Logboek(logboek::Command),
}

/// The version, with the commit that it was built from where whoever built it said so (`KETENPOORT_COMMIT`).
pub(crate) const VERSION: &str = env!("KETENPOORT_VERSIE");

/// How a command fails; each kind has its exit code.
#[derive(Debug)]
pub enum Failure {
    /// Refused, or verification failed: 1.
    Refused(String),
    /// Usage or configuration: 2.
    Usage(String),
    /// The gateway cannot be reached, or its database by itself: 3.
    Unreachable(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
        }
    }

    fn text(&self) -> &str {
        let (Self::Refused(text) | Self::Usage(text) | Self::Unreachable(text)) = self;
        text
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(_) => Self::Refused(error.to_string()),
            ClientError::Profile { .. } | ClientError::Tls(_) => Self::Usage(error.to_string()),
            ClientError::Unreachable { .. } => Self::Unreachable(error.to_string()),
        }
    }
}

impl From<Fouten> for Failure {
    fn from(error: Fouten) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<GatewayError> for Failure {
    fn from(error: GatewayError) -> Self {
        match error {
            // It ran, and stopped by itself.
            GatewayError::Store(_) => Self::Refused(error.to_string()),
            GatewayError::Open(away) if away.is_away() => Self::Unreachable(away.to_string()),
            _ => Self::Usage(error.to_string()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        Self::Refused(format!("het logboek klopt niet: {error}"))
    }
}

impl From<NoFilter> for Failure {
    fn from(error: NoFilter) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Usage(format!("{error:#}"))
    }
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(usage) => return show(&usage),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            proceslog::say(format_args!("ketenpoort: kan niet starten: {error}"));
            return ExitCode::from(2);
        }
    };
    let outcome = runtime.block_on(run(arguments.command));
    // Documents that nobody waits for any more may still be judged on a thread aside.
    runtime.shutdown_background();
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            proceslog::say(format_args!("ketenpoort: {}", failure.text()));
            ExitCode::from(failure.code())
        }
    };
    proceslog::end();
    code
}

/// What clap has to show instead of running: help or the version as data, or what is wrong with the command as a message.
fn show(usage: &clap::Error) -> ExitCode {
    match usage.print() {
        Err(error) if !usage.use_stderr() && error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::from(2),
        _ => ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2)),
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Check(check) => check::run(&check),
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Init { data_dir } => datadir::init(&data_dir),
        Command::Certs(command) => certs::run(&command),
        Command::Send(send) => send.run().await,
        Command::Ask(ask) => ask.run().await,
        Command::Receive(receive) => receive.run().await,
        Command::Fetch(fetch) => fetch.run().await,
        Command::Status(status) => status.run().await,
        Command::Withdraw(withdraw) => withdraw.run().await,
        Command::Find(find) => find.run().await,
        Command::Loketten(loketten) => loketten.run().await,
        Command::Doctor(doctor) => doctor.run().await,
        Command::Beheer(command) => beheer::run(command).await,
        Command::Inzage(command) => inzage::run(command).await,
        Command::Healthcheck(healthcheck) => healthcheck.run().await,
        Command::Backup(backup) => backup.run().await,
        Command::Restore(restore) => restore.run().await,
        Command::Logboek(command) => logboek::run(command).await,
    }
}

/// Writes one line of data. A reader that went away ends the command quietly.
fn print_line(line: &str) -> Result<(), Failure> {
    match write_line(line) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(not_written(&error)),
    }
}

/// Writes one line to stdout; `println!` would panic where it cannot be written.
pub(crate) fn write_line(line: &str) -> std::io::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush())
}

pub(crate) fn not_written(error: &std::io::Error) -> Failure {
    Failure::Usage(format!("kan niet naar stdout schrijven: {error}"))
}
