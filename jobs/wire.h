// Bytes of variable length on the wire: a writer, and a reader that believes nothing. Runs in: supervisor, worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pairloom::jobs {

class WireWriter {
 public:
  template <class T>
  requires std::is_arithmetic_v<T>
  void put(T value) { append(&value, sizeof value); }
  void put_bytes(std::span<const std::byte> bytes) {
    put(static_cast<uint64_t>(bytes.size()));
    append(bytes.data(), bytes.size());
  }
  void put_text(std::string_view text) { put_bytes(std::as_bytes(std::span(text))); }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void append(const void* from, size_t bytes) {
    const auto* first = static_cast<const std::byte*>(from);
    bytes_.insert(bytes_.end(), first, first + bytes);
  }
  std::vector<std::byte> bytes_;
};

// Borrows the bytes. Each method is kProtocol, naming `what`, when they end too early.
class WireReader {
 public:
  WireReader(std::span<const std::byte> bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  template <class T>
  requires std::is_arithmetic_v<T> Result<T> take() {
    if (bytes_.size() < sizeof(T)) return bad("cut off");
    T value;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_ = bytes_.subspan(sizeof value);
    return value;
  }
  Result<std::span<const std::byte>> take_bytes(uint64_t most) {
    PAIRLOOM_ASSIGN(const auto size, take<uint64_t>());
    if (size > most) return bad("too long");
    if (size > bytes_.size()) return bad("cut off");
    const auto taken = bytes_.first(static_cast<size_t>(size));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }
  Result<std::string> take_text(uint64_t most) {
    PAIRLOOM_ASSIGN(const auto bytes, take_bytes(most));
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  // Nothing may be left.
  Result<> end() const { return bytes_.empty() ? Result<>() : bad("more than was announced"); }
  tl::unexpected<Error> bad(std::string_view why) const {
    return fail(Errc::kProtocol, std::string(what_) + ": " + std::string(why));
  }

 private:
  std::span<const std::byte> bytes_;
  std::string_view what_;
};

}  // namespace pairloom::jobs
