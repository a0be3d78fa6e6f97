#include "jobs/file_answer.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstdint>
#include <cstring>

namespace pairloom::jobs {
namespace {

constexpr size_t kMaxMessageBytes = 500;

struct AnswerWire {
  uint8_t outcome, reserved[3];
  uint32_t message_bytes;
};  // then the message, then the body
static_assert(sizeof(AnswerWire) == 8);

}  // namespace

std::vector<std::byte> encode(const FileAnswer& answer) {
  AnswerWire wire{};
  wire.outcome = static_cast<uint8_t>(answer.outcome);
  wire.message_bytes = static_cast<uint32_t>(std::min(answer.message.size(), kMaxMessageBytes));
  std::vector<std::byte> out(sizeof wire + wire.message_bytes + answer.body.size());
  std::memcpy(out.data(), &wire, sizeof wire);
  const auto message = std::as_bytes(std::span(answer.message)).first(wire.message_bytes);
  const auto end_of_message = std::copy(message.begin(), message.end(), out.begin() + sizeof wire);
  std::copy(answer.body.begin(), answer.body.end(), end_of_message);
  return out;
}

Result<FileAnswer> decode_file_answer(std::span<const std::byte> bytes) {
  AnswerWire wire;
  if (bytes.size() < sizeof wire) return fail(Errc::kProtocol, "file answer: too short");
  std::memcpy(&wire, bytes.data(), sizeof wire);
  bytes = bytes.subspan(sizeof wire);
  if (wire.outcome >= kOutcomeCount) return fail(Errc::kProtocol, fmt::format("file answer: outcome {}", wire.outcome));
  if (wire.message_bytes > kMaxMessageBytes || wire.message_bytes > bytes.size())
    return fail(Errc::kProtocol, "file answer: message too long");
  FileAnswer answer;
  answer.outcome = static_cast<Outcome>(wire.outcome);
  answer.message.assign(reinterpret_cast<const char*>(bytes.data()), wire.message_bytes);
  bytes = bytes.subspan(wire.message_bytes);
  if (answer.outcome != Outcome::kIndexed && !bytes.empty())
    return fail(Errc::kProtocol, "file answer: a body beside a failure");
  answer.body.assign(bytes.begin(), bytes.end());
  return answer;
}

}  // namespace pairloom::jobs
