//! `beheer propose`, `proposals`, `ratify`, `reject` and `history`: changes that are told before, and that more than one agrees with.

use std::path::PathBuf;

use clap::Args;
use tonic::transport::Channel;

use super::{
    Failure,
    beheer::{CALL_DEADLINE, Decision, Who, document},
    partner::with_deadline,
    print_line,
};
use crate::{
    client::Profile,
    documenten::hash,
    domain::{DocumentSoort, TeWijzigen, wijzigen::te_tekenen},
    grpc::codec::to_json,
    proceslog,
    proto::{self, Voorstel, client::BeheerServiceClient},
};

/// A change to propose.
#[derive(Args)]
pub struct Propose {
    #[command(flatten)]
    decision: Decision,
    /// Bestanden; elk vervangt het document met dezelfde naam
    #[arg(value_name = "FILE", required_unless_present = "intrekken")]
    files: Vec<PathBuf>,
    /// De naam van een convenant om in te trekken; mag vaker
    #[arg(long, value_name = "NAAM")]
    intrekken: Vec<String>,
}

/// Agreement with a proposal.
#[derive(Args)]
pub struct Ratify {
    #[command(flatten)]
    who: Who,
    /// Het nummer van het voorstel
    voorstel: u64,
    /// Wie dit doet (personeelsreferentie); anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
    /// Het antwoord als JSON
    #[arg(long)]
    json: bool,
}

/// Taking a proposal back.
#[derive(Args)]
pub struct Reject {
    #[command(flatten)]
    decision: Decision,
    /// Het nummer van het voorstel
    voorstel: u64,
}

/// A question about what was proposed or in force.
#[derive(Args)]
pub struct Ask {
    #[command(flatten)]
    who: Who,
    /// Wie er kijkt (personeelsreferentie); anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
    /// Een JSON-object per regel
    #[arg(long)]
    json: bool,
}

/// What was in force when.
#[derive(Args)]
pub struct History {
    #[command(flatten)]
    ask: Ask,
    /// De naam van een convenant, of deelnemers; anders alle
    naam: Option<String>,
}

impl Propose {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let laden = self.files.iter().map(|file| document(file)).collect::<Result<_, _>>()?;
        let (profile, mut client, medewerker) = self.decision.connect().await?;
        let reden = self.decision.reden.clone();
        let request = proto::ProposeDocumentsRequest { laden, intrekken: self.intrekken, reden, medewerker };
        let proposed = client.propose_documents(with_deadline(request, CALL_DEADLINE)).await;
        let proposed = proposed.map_err(|status| profile.failure(&status))?.into_inner();
        print(&proposed.voorstel.unwrap_or_default(), self.decision.json)
    }
}

impl Ratify {
    /// Agrees: reads the proposal, and signs where this profile signs for a party. What is signed is made here, of the text that came.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (profile, mut client) = self.who.connect().await?;
        let medewerker = self.medewerker.clone().unwrap_or_else(|| profile.medewerker().to_owned());
        print(&ratify(&profile, &mut client, self.voorstel, &medewerker).await?, self.json)
    }
}

/// Agrees with a proposal for the owner of a profile. Gives the proposal after that.
///
/// # Errors
/// When it is not open, its text is not whole, or the gateway refuses.
pub(crate) async fn ratify(
    profile: &Profile,
    client: &mut BeheerServiceClient<Channel>,
    voorstel: u64,
    medewerker: &str,
) -> Result<Voorstel, Failure> {
    let asked = proto::ListVoorstellenRequest { medewerker: medewerker.to_owned() };
    let open = client.list_voorstellen(with_deadline(asked, CALL_DEADLINE)).await;
    let open = open.map_err(|status| profile.failure(&status))?.into_inner().voorstellen;
    let of = open.into_iter().find(|of| of.voorstel == voorstel);
    let of = of.ok_or_else(|| Failure::Refused(format!("voorstel {voorstel} staat niet open")))?;
    let to_give = of.instemming.iter().filter(|asked| asked.aan_u).filter_map(|asked| asked.convenant.as_ref());
    let mut handtekeningen = Vec::new();
    for convenant in to_give {
        let named = |document: &&proto::VoorgesteldDocument| document.naam == *convenant;
        let document = of.documenten.iter().find(named).ok_or_else(|| Failure::Refused(INCOMPLETE.to_owned()))?;
        let handtekening = profile.sign(&te_tekenen(of.voorstel, &to_sign(document)?))?;
        handtekeningen.push(proto::Handtekening { convenant: convenant.clone(), handtekening });
    }
    let request = proto::RatifyVoorstelRequest { voorstel, medewerker: medewerker.to_owned(), handtekeningen };
    let ratified = client.ratify_voorstel(with_deadline(request, CALL_DEADLINE)).await;
    Ok(ratified.map_err(|status| profile.failure(&status))?.into_inner().voorstel.unwrap_or_default())
}

const INCOMPLETE: &str = "de poort gaf niet de tekst waarvoor zij een handtekening vraagt; er is niets ondertekend";

/// What is signed: the hash is that of the text that came, not what the gateway says it is.
fn to_sign(document: &proto::VoorgesteldDocument) -> Result<TeWijzigen, Failure> {
    let soort: DocumentSoort = document.soort.parse().map_err(|()| Failure::Refused(INCOMPLETE.to_owned()))?;
    let nieuw = document.tekst.as_deref().map(hash);
    if nieuw != document.hash {
        return Err(Failure::Refused(INCOMPLETE.to_owned()));
    }
    Ok(TeWijzigen { soort, naam: document.naam.clone(), oud: document.hash_oud.clone(), nieuw })
}

impl Reject {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (profile, mut client, medewerker) = self.decision.connect().await?;
        let reden = self.decision.reden.clone();
        let request = proto::WithdrawVoorstelRequest { voorstel: self.voorstel, reden, medewerker };
        let withdrawn = client.withdraw_voorstel(with_deadline(request, CALL_DEADLINE)).await;
        withdrawn.map_err(|status| profile.failure(&status))?;
        if self.decision.json {
            return print_line(&serde_json::json!({"voorstel": self.voorstel, "toestand": "ingetrokken"}).to_string());
        }
        print_line(&format!("Voorstel {} is ingetrokken.", self.voorstel))
    }
}

impl Ask {
    /// Prints the open proposals.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (profile, mut client) = self.who.connect().await?;
        let medewerker = self.medewerker.clone().unwrap_or_else(|| profile.medewerker().to_owned());
        let request = proto::ListVoorstellenRequest { medewerker };
        let open = client.list_voorstellen(with_deadline(request, CALL_DEADLINE)).await;
        let open = open.map_err(|status| profile.failure(&status))?.into_inner().voorstellen;
        print_all(&open, self.json)
    }
}

/// Prints proposals, or says that there are none.
pub(super) fn print_all(open: &[Voorstel], json: bool) -> Result<(), Failure> {
    if open.is_empty() && !json {
        return print_line("Er staat geen voorstel open.");
    }
    open.iter().try_for_each(|of| print(of, json))
}

/// A proposal: as JSON, or for people.
fn print(of: &Voorstel, json: bool) -> Result<(), Failure> {
    if json {
        return print_line(&to_json(of).to_string());
    }
    print_line(&format!(
        "Voorstel {}, gedaan op {}; geldt op zijn vroegst vanaf {}.",
        of.voorstel, of.ingediend, of.vanaf
    ))?;
    print_line(&format!("Reden: {}", of.reden.as_deref().unwrap_or("gewist")))?;
    for document in &of.documenten {
        let hash = document.hash.as_deref().map_or("wordt ingetrokken", |hash| hash.get(..12).unwrap_or_default());
        print_line(&format!("  {}/{} {hash}", document.soort, document.naam))?;
    }
    of.gevolgen.iter().try_for_each(|zin| print_line(zin))?;
    for waarschuwing in &of.waarschuwingen {
        proceslog::say(format_args!("let op: {waarschuwing}"));
    }
    if of.instemming.is_empty() {
        return print_line("Niemand hoeft in te stemmen: dit geldt vanzelf zodra de dagen voorbij zijn.");
    }
    of.instemming.iter().try_for_each(|asked| {
        let who = match (&asked.partner, &asked.convenant) {
            (Some(partner), Some(document)) => format!("{partner} ondertekent {document}"),
            _ => "een andere beheerder stemt in".to_owned(),
        };
        print_line(&format!("{} {who}", if asked.gegeven { "[x]" } else { "[ ]" }))
    })
}

impl History {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (profile, mut client) = self.ask.who.connect().await?;
        let medewerker = self.ask.medewerker.clone().unwrap_or_else(|| profile.medewerker().to_owned());
        let request = proto::ListHistorieRequest { naam: self.naam.unwrap_or_default(), medewerker };
        let told = client.list_historie(with_deadline(request, CALL_DEADLINE)).await;
        let told = told.map_err(|status| profile.failure(&status))?.into_inner().historie;
        for change in &told {
            if self.ask.json {
                print_line(&to_json(change).to_string())?;
                continue;
            }
            let none = || "-".to_owned();
            let what = change.hash.as_deref().map_or("ingetrokken", |hash| hash.get(..12).unwrap_or_default());
            print_line(&format!(
                "{} {} {}/{} {what} door {} {}: {}",
                change.log_index,
                change.tijd,
                change.soort,
                change.naam,
                change.rol.clone().unwrap_or_else(none),
                change.medewerker.clone().unwrap_or_else(none),
                change.reden.clone().unwrap_or_else(|| {
                    let without = if change.rol.is_none() { "de eerste start" } else { "de reden is gewist" };
                    without.to_owned()
                })
            ))?;
            for of in &change.bekrachtigd {
                let how = if of.handtekening.is_some() { "ondertekend" } else { "ingestemd" };
                print_line(&format!("    {how} door {} {} (logregel {})", of.rol, of.oin, of.log_index))?;
            }
        }
        Ok(())
    }
}
