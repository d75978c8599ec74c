//! Export: the whole logboek to keep, for who sees all of it: a tar of the files by which anybody verifies it without the gateway.

use std::{io, sync::Arc};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::Response,
};
use futures_util::{StreamExt, stream};
use tar::{Builder, Header};
use tokio_stream::wrappers::ReceiverStream;

use super::{kijker::Kijker, velden::Velden};
use crate::{
    domain::Weigering,
    exchange::{Exchange, toezicht::export::Afgebroken},
};

/// What ends a tar: two blocks of nothing.
const END: [u8; 1024] = [0; 1024];

pub(super) async fn show(State(exchange): State<Arc<Exchange>>, kijker: Kijker, velden: Velden) -> Response<Body> {
    let made = async {
        kijker.watches()?;
        // For who does not see all there is no such page.
        if !kijker.call.identiteit().ziet.is_alles() {
            return Err(Weigering::PaginaNietGevonden);
        }
        let naam = velden.known(&["logboek"], &[])?.value("logboek");
        let files =
            exchange.export(&kijker.call, &kijker.inzage(None), Some(naam).filter(|naam| !naam.is_empty())).await?;
        let packed = ReceiverStream::new(files).map(|file| {
            let (path, bytes) = file?;
            Ok::<_, Afgebroken>(Bytes::from(packed(&path, &bytes)?))
        });
        Ok(Body::from_stream(packed.chain(stream::once(async { Ok(Bytes::from_static(&END)) }))))
    };
    kijker.download(("logboek.tar", "application/x-tar"), made.await).await
}

/// A file as it stands in a tar, below a directory of its own.
fn packed(path: &str, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut header = Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    let mut tar = Builder::new(Vec::new());
    tar.append_data(&mut header, format!("logboek/{path}"), bytes)?;
    // Without the end of a tar, which comes behind the last file.
    Ok(std::mem::take(tar.get_mut()))
}
