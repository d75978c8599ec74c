//! What an FG or auditor asks of a running gateway.

use std::path::Path;

use tonic::transport::Channel;

use crate::{
    cli::{Failure, beheer::CALL_DEADLINE, partner::with_deadline},
    client::Profile,
    grpc::boundary::MOST_TOEZICHT_ANSWER_BYTES,
    proto::{self, client::ToezichtServiceClient},
};

/// Regels that are asked for at once.
const IN_PAGE: u32 = 500;

/// The service, for the owner of a profile.
pub(super) async fn client(profile: &Profile) -> Result<ToezichtServiceClient<Channel>, Failure> {
    let client = ToezichtServiceClient::new(profile.channel().await?);
    Ok(client.max_decoding_message_size(MOST_TOEZICHT_ANSWER_BYTES))
}

/// Who looks, and why.
pub(super) fn inzage(profile: &Profile, (medewerker, reden): (Option<String>, Option<String>)) -> proto::Inzage {
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
