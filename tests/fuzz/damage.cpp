#include "tests/fuzz/damage.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace pairloom::test {
namespace {

using Bytes = std::vector<std::byte>;

std::byte random_byte(Random& random) {
  static constexpr std::byte kTelling[] = {std::byte{0x00}, std::byte{0xFF}, std::byte{0xD9}, std::byte{0xD0},
                                           std::byte{0xDA}, std::byte{0x01}, std::byte{0x7F}, std::byte{0x80}};
  return random.one_in(3) ? kTelling[random.below(std::size(kTelling))] : static_cast<std::byte>(random.below(256));
}

// Where the entropy-coded bytes of the first scan begin; the size if there is none.
size_t scan_data(const Bytes& jpeg) {
  for (size_t at = 2; at + 4 <= jpeg.size();) {
    const size_t length = std::to_integer<size_t>(jpeg[at + 2]) << 8 | std::to_integer<size_t>(jpeg[at + 3]);
    const bool found = jpeg[at + 1] == std::byte{0xDA};
    at += 2 + length;
    if (found) return std::min(at, jpeg.size());
  }
  return jpeg.size();
}

// The position of a random 0xFF that a marker code follows; 0 if none is found soon.
size_t some_marker(const Bytes& jpeg, Random& random) {
  for (int attempt = 0; attempt < 200 && jpeg.size() > 2; ++attempt) {
    const size_t at = random.below(static_cast<uint32_t>(jpeg.size() - 1));
    if (jpeg[at] == std::byte{0xFF} && jpeg[at + 1] != std::byte{0} && jpeg[at + 1] != std::byte{0xFF}) return at;
  }
  return 0;
}

// Numbers that stay decodable: quantization, sampling factors, sizes.
void damage_numbers(Bytes& jpeg, size_t data, Random& random) {
  for (size_t i = 2; i + 12 < data; ++i)
    if (jpeg[i] == std::byte{0xFF} && (jpeg[i + 1] == std::byte{0xDB} || jpeg[i + 1] == std::byte{0xC0}) &&
        random.one_in(2)) {
      const size_t offset = i + 4 + random.below(jpeg[i + 1] == std::byte{0xDB} ? 60 : 8);
      if (offset < data) jpeg[offset] = random_byte(random);
    }
}

}  // namespace

void damage(Bytes& file, const Bytes& other, size_t header_bytes, Random& random) {
  if (file.size() < 4) return;
  const auto size = static_cast<uint32_t>(file.size());
  const size_t at = random.one_in(2) || header_bytes >= size
                        ? random.below(static_cast<uint32_t>(std::clamp<size_t>(header_bytes, 1, size)))
                        : random.below(size);
  const auto place = [&](size_t offset) {
    return file.begin() + static_cast<ptrdiff_t>(std::min(offset, file.size()));
  };
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2:
      file[at] ^= static_cast<std::byte>(1u << random.below(8));
      break;
    case 3:
    case 4:
      file[at] = random_byte(random);
      break;
    case 5:
      file.resize(random.one_in(3) ? size - random.below(std::min(size, 6u)) : at);
      break;
    case 6:
      file.erase(place(at), place(at + 1 + random.below(random.one_in(3) ? 40 : 3)));
      break;
    case 7:
      file.insert(place(at), 1 + random.below(3), random_byte(random));
      break;
    case 8: {  // a piece of another file
      const size_t from = random.below(static_cast<uint32_t>(other.size()));
      const size_t count = std::min<size_t>(1 + random.below(64), other.size() - from);
      const auto begin = other.begin() + static_cast<ptrdiff_t>(from);
      file.insert(place(at), begin, begin + static_cast<ptrdiff_t>(count));
      break;
    }
    default: {  // a piece of itself, again
      const Bytes piece(place(at), place(at + 1 + random.below(100)));
      file.insert(place(random.below(size)), piece.begin(), piece.end());
      break;
    }
  }
}

void damage_jpeg(Bytes& jpeg, const Bytes& other, Random& random) {
  if (jpeg.size() < 4) return;
  const size_t data = scan_data(jpeg);
  switch (random.below(12)) {
    case 10:  // a marker: another code, another length
      if (const size_t marker = some_marker(jpeg, random); marker != 0 && marker + 4 <= jpeg.size())
        jpeg[marker + 1 + random.below(3)] = random_byte(random);
      break;
    case 11:
      damage_numbers(jpeg, data, random);
      break;
    default:
      damage(jpeg, other, data, random);
  }
}

}  // namespace pairloom::test
