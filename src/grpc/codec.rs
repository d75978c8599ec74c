//! A codec that refuses what prost would drop silently: unknown fields in requests.
//!
//! The gateway commits to content, so a field that it does not know must not vanish (facts of prost). Responses are read
//! leniently: a client must tolerate a newer gateway.

use std::{marker::PhantomData, sync::LazyLock};

use prost::{Message, Name, bytes::Buf};
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage, Value};
use tonic::{
    Code, Status,
    codec::{Codec, DecodeBuf, Decoder},
};
use tonic_prost::ProstCodec;

use crate::{domain::Weigering, proto};

/// The descriptors of every message.
pub static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(proto::DESCRIPTORS).expect("build.rs wrote valid descriptors"));

/// prost, strict about requests.
#[derive(Debug, Clone)]
pub struct StrictCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for StrictCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for StrictCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = StrictDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::default().encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        StrictDecoder(PhantomData)
    }
}

/// Decodes a message and looks for what it does not know.
#[derive(Debug)]
pub struct StrictDecoder<U>(PhantomData<U>);

impl<U: Message + Name + Default> Decoder for StrictDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let bytes = source.copy_to_bytes(source.remaining());
        parse(&bytes).map(Some).map_err(|weigering| Status::new(Code::InvalidArgument, weigering.code()))
    }
}

/// Parses a message of which every field must be known.
///
/// # Errors
/// [`Weigering::Onleesbaar`] or [`Weigering::OnbekendVeld`].
pub fn parse<U: Message + Name + Default>(bytes: &[u8]) -> Result<U, Weigering> {
    let message = U::decode(bytes).map_err(|_| Weigering::Onleesbaar)?;
    let descriptor = POOL.get_message_by_name(&U::full_name()).expect("every message of ours is in the pool");
    let dynamic = DynamicMessage::decode(descriptor, bytes).map_err(|_| Weigering::Onleesbaar)?;
    if has_unknown(&dynamic) { Err(Weigering::OnbekendVeld) } else { Ok(message) }
}

fn has_unknown(message: &DynamicMessage) -> bool {
    message.unknown_fields().next().is_some() || message.fields().any(|(_, value)| value_has_unknown(value))
}

fn value_has_unknown(value: &Value) -> bool {
    match value {
        Value::Message(message) => has_unknown(message),
        Value::List(items) => items.iter().any(value_has_unknown),
        _ => false,
    }
}

/// Any message as JSON with the proto field names.
#[must_use]
pub fn to_json<M: Message + Name>(message: &M) -> serde_json::Value {
    let descriptor = POOL.get_message_by_name(&M::full_name()).expect("every message of ours is in the pool");
    let mut dynamic = DynamicMessage::new(descriptor);
    dynamic.merge(message.encode_to_vec().as_slice()).expect("what prost wrote can be read");
    let options = prost_reflect::SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
    dynamic.serialize_with_options(serde_json::value::Serializer, &options).expect("a message always becomes JSON")
}

/// A message from JSON with the proto field names; unknown keys are mistakes.
///
/// # Errors
/// What is wrong, for the person who wrote the JSON.
pub fn from_json<M: Message + Name + Default>(json: serde_json::Value) -> Result<M, String> {
    let descriptor = POOL.get_message_by_name(&M::full_name()).expect("every message of ours is in the pool");
    let dynamic = DynamicMessage::deserialize(descriptor, json).map_err(|error| error.to_string())?;
    debug_assert_eq!(dynamic.descriptor().full_name(), M::full_name());
    M::decode(dynamic.encode_to_vec().as_slice()).map_err(|error| error.to_string())
}
