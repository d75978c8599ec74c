//! What happens beside the exchange: who watches asks for a report, a convenant changes, and somebody asks what was exchanged about them.

use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::{ToSpan, civil::Date};

use super::{draaiboek::Wijziging, personen::Persoon};
use crate::{
    cli::{Failure, logboek::toezicht, voorstel},
    client::Profile,
    demo::play::unmet,
    grpc::{boundary::MOST_DOSSIER_ANSWER_BYTES, codec::from_json},
    lezen::bestand,
    pki::dev_identities,
    proto::{
        self,
        client::{BeheerServiceClient, InzageServiceClient},
    },
};

/// Where the profiles and documents are.
pub struct Toezicht {
    dir: PathBuf,
}

impl Toezicht {
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    fn profile(&self, naam: &str) -> Result<Profile, Failure> {
        Ok(Profile::load(&self.dir.join("profielen").join(naam))?)
    }

    /// Asks for the report of the three months before.
    pub async fn rapport(&self, door: &str, today: Date) -> Result<(), Failure> {
        let profile = self.profile(door)?;
        let request = proto::GetRapportRequest {
            inzage: Some(toezicht::inzage(&profile, (None, None))),
            van: today.saturating_sub(3.months()).to_string(),
            tot_en_met: today.saturating_sub(1.day()).to_string(),
        };
        let mut client = toezicht::client(&profile).await?;
        client.get_rapport(request).await.map_err(|status| profile.failure(&status))?;
        Ok(())
    }

    /// Proposes another text of a convenant; all parties sign it where the script says so.
    pub async fn stel_voor(&self, wijziging: &Wijziging) -> Result<(), Failure> {
        let file = self.dir.join("convenanten").join(format!("{}.toml", wijziging.convenant));
        let tekst = bestand::read_bounded(&file).with_context(|| format!("{} is niet te lezen", file.display()))?;
        let tekst = changed(&tekst.unwrap_or_default(), wijziging)?;
        let profile = self.profile("beheer")?;
        let mut client = BeheerServiceClient::new(profile.channel().await?);
        let request = proto::ProposeDocumentsRequest {
            laden: vec![proto::NieuwDocument { herkomst: file.display().to_string(), tekst }],
            intrekken: Vec::new(),
            reden: wijziging.reden.clone(),
            medewerker: profile.medewerker().to_owned(),
        };
        let proposed = client.propose_documents(request).await.map_err(|status| profile.failure(&status))?.into_inner();
        let proposed = proposed.voorstel.unwrap_or_default();
        let parties = proposed.instemming.iter().filter_map(|asked| asked.partner.as_deref());
        for partner in parties.filter(|_| wijziging.tekenen) {
            let profile = self.profile(&format!("tekent-{partner}"))?;
            let mut client = BeheerServiceClient::new(profile.channel().await?);
            voorstel::ratify(&profile, &mut client, proposed.voorstel, profile.medewerker()).await?;
        }
        Ok(())
    }

    /// Opens a dossier; every partner decides and it is closed where the script says so.
    pub async fn inzage(&self, door: &str, today: Date, persoon: &Persoon, besluiten: bool) -> Result<(), Failure> {
        let (profile, mut client) = self.contactpunt(door).await?;
        let who = |profile: &Profile| Some(toezicht::inzage(profile, (None, None)));
        let request = proto::OpenDossierRequest {
            inzage: who(&profile),
            persoon: Some(from_json(persoon.gezocht()).map_err(Failure::Usage)?),
            ontvangen_op: today.saturating_sub(1.day()).to_string(),
            kenmerk: format!("AVG-{today}"),
        };
        let opened = client.open_dossier(request).await.map_err(|status| profile.failure(&status))?.into_inner();
        let dossier = opened.dossier.map(|opened| opened.dossier).ok_or_else(|| unmet("geen dossier"))?;
        if !besluiten {
            return Ok(());
        }
        for identity in dev_identities().into_iter().filter(|identity| identity.role == "contact") {
            let (profile, mut client) = self.contactpunt(&identity.profile).await?;
            let request = proto::ListDossiersRequest { inzage: who(&profile), ook_gesloten: false };
            let listed = client.list_dossiers(request).await.map_err(|status| profile.failure(&status))?.into_inner();
            let asked = |of: &&proto::Dossier| {
                of.dossier == dossier && of.gevraagd.iter().any(|asked| asked.partner == identity.partner)
            };
            if listed.dossiers.iter().find(asked).is_none() {
                continue;
            }
            let overige = Some(proto::Oordeel { vrijgeven: true, ..proto::Oordeel::default() });
            let request =
                proto::DecideDossierRequest { inzage: who(&profile), dossier, besluiten: Vec::new(), overige };
            client.decide_dossier(request).await.map_err(|status| profile.failure(&status))?;
        }
        let request = proto::CloseDossierRequest { inzage: who(&profile), dossier };
        client.close_dossier(request).await.map_err(|status| profile.failure(&status))?;
        Ok(())
    }

    async fn contactpunt(
        &self,
        naam: &str,
    ) -> Result<(Profile, InzageServiceClient<tonic::transport::Channel>), Failure> {
        let profile = self.profile(naam)?;
        let client = InzageServiceClient::new(profile.channel().await?);
        Ok((profile, client.max_decoding_message_size(MOST_DOSSIER_ANSWER_BYTES)))
    }
}

/// The text with another version, and one other sentence in one rule.
fn changed(tekst: &str, wijziging: &Wijziging) -> Result<String, Failure> {
    let Wijziging { convenant, versie: [before, after], regel, oud, nieuw, .. } = wijziging;
    let wrong = || unmet(format!("convenant {convenant} heeft geen {oud} in regel {regel}"));
    let (head, rule) = tekst.split_once(&format!("\nid = \"{regel}\"\nberichtsoort")).ok_or_else(wrong)?;
    let changed = format!("{head}\nid = \"{regel}\"\nberichtsoort{}", rule.replacen(oud, nieuw, 1));
    if !rule.split("[[").next().is_some_and(|rule| rule.contains(oud)) {
        return Err(wrong());
    }
    Ok(changed.replacen(&format!("versie = \"{before}\""), &format!("versie = \"{after}\""), 1))
}
