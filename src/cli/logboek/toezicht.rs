//! What an FG or auditor asks of a running gateway.

use std::path::{Path, PathBuf};

use clap::Args;
use tonic::transport::Channel;

use crate::{
    cli::{Failure, beheer::CALL_DEADLINE, partner::with_deadline, voorstel::print_all},
    client::Profile,
    grpc::boundary::MOST_TOEZICHT_ANSWER_BYTES,
    proto::{self, client::ToezichtServiceClient},
};

/// Regels that are asked for at once.
const IN_PAGE: u32 = 500;

/// The service, for the owner of a profile.
pub(crate) async fn client(profile: &Profile) -> Result<ToezichtServiceClient<Channel>, Failure> {
    let client = ToezichtServiceClient::new(profile.channel().await?);
    Ok(client.max_decoding_message_size(MOST_TOEZICHT_ANSWER_BYTES))
}

/// Who looks, and why.
pub(crate) fn inzage(profile: &Profile, (medewerker, reden): (Option<String>, Option<String>)) -> proto::Inzage {
    let medewerker = medewerker.unwrap_or_else(|| profile.medewerker().to_owned());
    proto::Inzage { medewerker, reden: reden.unwrap_or_default() }
}

/// Hands over every regel that is found, page after page.
///
/// # Errors
/// When the gateway refuses or cannot be reached, or what takes the regels fails.
pub(crate) async fn search(
    dir: &Path,
    who: (Option<String>, Option<String>),
    filter: proto::Zoekfilter,
    mut take: impl FnMut(&proto::GevondenLogregel) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let profile = Profile::load(dir)?;
    let mut client = client(&profile).await?;
    let mut request = proto::SearchLogregelsRequest {
        inzage: Some(inzage(&profile, who)),
        filter: Some(filter),
        pagina_grootte: IN_PAGE,
        ..proto::SearchLogregelsRequest::default()
    };
    loop {
        let page = client.search_logregels(with_deadline(request.clone(), CALL_DEADLINE)).await;
        let page = page.map_err(|status| profile.failure(&status))?.into_inner();
        page.logregels.iter().try_for_each(&mut take)?;
        if page.volgende.is_empty() {
            return Ok(());
        }
        request.pagina = page.volgende;
    }
}

/// What was proposed and does not hold yet.
#[derive(Args)]
pub struct Voorstellen {
    /// De map met cert.pem, key.pem, ca.pem en profiel.toml van een FG of auditor; elke blik komt in het logboek
    #[arg(long, value_name = "DIR")]
    profile: PathBuf,
    /// Wie er kijkt (personeelsreferentie); anders die van het profiel
    #[arg(long)]
    medewerker: Option<String>,
    /// Een JSON-object per voorstel
    #[arg(long)]
    json: bool,
}

impl Voorstellen {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let profile = Profile::load(&self.profile)?;
        let request = proto::GetVoorstellenRequest { inzage: Some(inzage(&profile, (self.medewerker, None))) };
        let open = client(&profile).await?.get_voorstellen(with_deadline(request, CALL_DEADLINE)).await;
        let open = open.map_err(|status| profile.failure(&status))?.into_inner().voorstellen;
        print_all(&open, self.json)
    }
}
