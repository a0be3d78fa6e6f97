#include "workerproc/decode/iso_boxes.h"

#include <algorithm>

namespace pairloom::workerproc {

std::optional<Box> BoxReader::next() {
  BoxFields head(bytes_);
  uint64_t length = head.u32(), head_bytes = 8;
  Box box;
  box.type = head.u32();
  if (length == 1) {
    length = head.number(8);
    head_bytes = 16;
  } else if (length == 0) {
    length = bytes_.size();  // to the end
  }
  if (!head.ok() || length < head_bytes) {
    bytes_ = {};
    return std::nullopt;
  }
  box.cut = length > bytes_.size();
  const auto take = static_cast<size_t>(std::min<uint64_t>(length, bytes_.size()));
  box.body = bytes_.subspan(head_bytes, take - head_bytes);
  bytes_ = bytes_.subspan(take);
  return box;
}

std::optional<Box> find_box(std::span<const std::byte> bytes, uint32_t type) {
  BoxReader boxes(bytes);
  while (const auto box = boxes.next())
    if (box->type == type) return box;
  return std::nullopt;
}

uint64_t BoxFields::number(size_t bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes; ++i) {
    const auto byte = reader_.u8(at_ + i);
    ok_ = ok_ && byte.has_value();
    value = value << 8 | byte.value_or(0);
  }
  at_ += ok_ ? bytes : 0;
  return value;
}

}  // namespace pairloom::workerproc
