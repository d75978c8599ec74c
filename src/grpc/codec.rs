//! A codec that refuses what prost would drop silently: unknown fields in requests.
//!
//! The gateway commits to content, so a field that it does not know must not vanish. Responses are read leniently: a client must
//! tolerate a newer gateway.

use std::{marker::PhantomData, sync::LazyLock};

use prost::{
    Message, Name,
    bytes::Buf,
    encoding::{WireType, decode_key, decode_varint},
};
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, ReflectMessage};
use tonic::{
    Code, Status,
    codec::{Codec, DecodeBuf, Decoder},
};
use tonic_prost::ProstCodec;

use crate::{domain::Weigering, proto};

/// Fields in one message, inner ones included; the largest that `content` allows has some 500.
const MOST_FIELDS: usize = 4096;
/// Messages inside messages.
const MOST_DEPTH: usize = 16;

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
/// [`Weigering::Onleesbaar`], [`Weigering::OnbekendVeld`] or [`Weigering::TeGroot`].
pub fn parse<U: Message + Name + Default>(bytes: &[u8]) -> Result<U, Weigering> {
    let descriptor = POOL.get_message_by_name(&U::full_name()).expect("every message of ours is in the pool");
    // First, because a decoded message can take a hundred times the memory of its bytes.
    Scan { fields: MOST_FIELDS }.message(bytes, &descriptor, MOST_DEPTH)?;
    U::decode(bytes).map_err(|_| Weigering::Onleesbaar)
}

/// Walks over the encoded fields of a message without decoding it (protobuf encoding, "Message Structure").
struct Scan {
    /// So many fields may still come.
    fields: usize,
}

impl Scan {
    fn message(&mut self, mut bytes: &[u8], descriptor: &MessageDescriptor, depth: usize) -> Result<(), Weigering> {
        while !bytes.is_empty() {
            let (tag, wire_type) = decode_key(&mut bytes).map_err(|_| Weigering::Onleesbaar)?;
            self.fields = self.fields.checked_sub(1).ok_or(Weigering::TeGroot)?;
            let field = descriptor.get_field(tag).ok_or(Weigering::OnbekendVeld)?;
            let value = value(&mut bytes, wire_type)?;
            if let (Kind::Message(inner), WireType::LengthDelimited) = (field.kind(), wire_type) {
                let depth = depth.checked_sub(1).ok_or(Weigering::Onleesbaar)?;
                self.message(value, &inner, depth)?;
            }
        }
        Ok(())
    }
}

/// Takes one value from the front of `bytes`.
fn value<'b>(bytes: &mut &'b [u8], wire_type: WireType) -> Result<&'b [u8], Weigering> {
    let length = match wire_type {
        WireType::Varint => {
            decode_varint(bytes).map_err(|_| Weigering::Onleesbaar)?;
            0
        }
        WireType::SixtyFourBit => 8,
        WireType::ThirtyTwoBit => 4,
        WireType::LengthDelimited => {
            let length = decode_varint(bytes).map_err(|_| Weigering::Onleesbaar)?;
            usize::try_from(length).map_err(|_| Weigering::Onleesbaar)?
        }
        // Groups are of protobuf 2; no field of ours is one.
        WireType::StartGroup | WireType::EndGroup => return Err(Weigering::Onleesbaar),
    };
    let (value, rest) = bytes.split_at_checked(length).ok_or(Weigering::Onleesbaar)?;
    *bytes = rest;
    Ok(value)
}

/// Any message as JSON with the proto field names.
#[must_use]
pub fn to_json<M: Message + Name>(message: &M) -> serde_json::Value {
    json(message, true)
}

/// The same, with what is empty or nought too: for whoever counts on every field to be there.
#[must_use]
pub fn to_whole_json<M: Message + Name>(message: &M) -> serde_json::Value {
    json(message, false)
}

fn json<M: Message + Name>(message: &M, without_empty: bool) -> serde_json::Value {
    let descriptor = POOL.get_message_by_name(&M::full_name()).expect("every message of ours is in the pool");
    let mut dynamic = DynamicMessage::new(descriptor);
    dynamic.merge(message.encode_to_vec().as_slice()).expect("what prost wrote can be read");
    let options = prost_reflect::SerializeOptions::new().use_proto_field_name(true).stringify_64_bit_integers(false);
    let options = options.skip_default_fields(without_empty);
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
