#include "workerproc/decode/heif_file.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace pairloom::workerproc {
namespace {

constexpr uint16_t kEssential = 0x8000, kPropertyIndex = 0x7FFF;

// What we follow, and what tells us nothing we need.
constexpr auto kKnownProperties = std::to_array<uint32_t>(
    {fourcc("ispe"), fourcc("hvcC"), fourcc("av1C"), fourcc("colr"), fourcc("pixi"), fourcc("irot"), fourcc("imir"),
     fourcc("clap"), fourcc("auxC"), fourcc("pasp"), fourcc("clli"), fourcc("mdcv"), fourcc("rloc")});

// The turn that EXIF's orientation 1..8 stands for: first mirrored left to right, then turned clockwise by quarters.
struct Turn {
  bool mirrored;
  unsigned quarters;
};
constexpr std::array<Turn, 9> kTurns = {
    {{false, 0}, {false, 0}, {true, 0}, {false, 2}, {true, 2}, {true, 3}, {false, 1}, {true, 1}, {false, 3}}};
uint8_t orientation_of(Turn turn) {
  for (uint8_t orientation = 1; orientation <= 8; ++orientation)
    if (kTurns[orientation].mirrored == turn.mirrored && kTurns[orientation].quarters == turn.quarters % 4)
      return orientation;
  return 1;
}

// A rational number of the clap property.
struct Rational {
  int64_t numerator = 0, denominator = 1;
};

// Whole numbers only: nobody shows fractions of a pixel. Nothing if the crop leaves the picture.
bool read_crop(std::span<const std::byte> body, HeifPicture& picture) {
  BoxFields fields(body);
  std::array<Rational, 4> values{};  // width, height, and how far the centre is moved, right and down
  for (Rational& value : values) {
    value.numerator = static_cast<int32_t>(fields.u32());
    value.denominator = fields.u32();
    if (!fields.ok() || value.denominator == 0 || value.denominator > INT32_MAX) return false;
  }
  if (picture.width > INT32_MAX || picture.height > INT32_MAX) return false;  // so that no product overflows
  const auto whole = [](const Rational& value) { return value.numerator / value.denominator; };
  const auto begin = [](int64_t full, int64_t length, const Rational& moved) {
    return ((full - length) * moved.denominator + 2 * moved.numerator) / (2 * moved.denominator);
  };
  const int64_t width = whole(values[0]), height = whole(values[1]);
  const int64_t x = begin(picture.width, width, values[2]), y = begin(picture.height, height, values[3]);
  if (width <= 0 || height <= 0 || x < 0 || y < 0 || x + width > picture.width || y + height > picture.height)
    return false;
  picture.crop_x = static_cast<uint32_t>(x);
  picture.crop_y = static_cast<uint32_t>(y);
  picture.crop_width = static_cast<uint32_t>(width);
  picture.crop_height = static_cast<uint32_t>(height);
  return true;
}

}  // namespace

const HeifFile::Item* HeifFile::find(uint32_t item) const {
  const auto found = items_.find(item);
  return found != items_.end() && found->second.type != 0 ? &found->second : nullptr;
}

const HeifFile::Reference* HeifFile::reference(uint32_t type, uint32_t from) const {
  for (const Reference& reference : references_)
    if (reference.type == type && reference.from == from) return &reference;
  return nullptr;
}

std::optional<Box> HeifFile::property(const Item& item, uint32_t type) const {
  for (const uint16_t entry : item.properties) {
    const size_t index = entry & kPropertyIndex;
    if (index >= 1 && index <= properties_.size() && properties_[index - 1].type == type) return properties_[index - 1];
  }
  return std::nullopt;
}

bool HeifFile::is_alpha(uint32_t id) const {
  const Item* item = find(id);
  if (item == nullptr) return false;
  const auto kind = property(*item, fourcc("auxC"));
  if (!kind) return false;
  const ByteReader body(kind->body);
  return body.starts_with("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", 4) ||
         body.starts_with("urn:mpeg:hevc:2015:auxid:1", 4);
}

std::optional<Result<HeifPicture>> HeifFile::alpha() const {
  for (const Reference& reference : references_)
    if (reference.type == fourcc("auxl") && std::ranges::find(reference.to, primary_) != reference.to.end() &&
        is_alpha(reference.from))
      return picture_of(reference.from);
  return std::nullopt;
}

bool HeifFile::premultiplied() const {
  return reference(fourcc("prem"), primary_) != nullptr;
}

Result<HeifCell> HeifFile::cell_of(uint32_t id) const {
  const Item* item = find(id);
  if (item == nullptr) return corrupt("a part of the picture is missing");
  HeifCell cell;
  cell.item = id;
  cell.codec = item->type;
  if (const auto config = property(*item, item->type == fourcc("av01") ? fourcc("av1C") : fourcc("hvcC")))
    cell.config = config->body;
  const auto size = property(*item, fourcc("ispe"));
  if (!size) return corrupt("a picture without a size");
  BoxFields fields(size->body);
  fields.version();
  cell.width = fields.u32();
  cell.height = fields.u32();
  if (!fields.ok() || cell.width == 0 || cell.height == 0) return corrupt("a picture without a size");
  return cell;
}

Result<HeifPicture> HeifFile::picture_of(uint32_t id) const {
  HeifPicture picture;
  const Item* item = find(id);
  if (item == nullptr) return corrupt("it names no picture to show");
  if (item->type == fourcc("grid")) {
    PAIRLOOM_TRY(add_grid(id, picture));
  } else if (item->type == fourcc("hvc1") || item->type == fourcc("av01") || item->type == fourcc("jpeg")) {
    PAIRLOOM_ASSIGN(HeifCell cell, cell_of(id));
    picture.width = cell.width;
    picture.height = cell.height;
    picture.cells.push_back(cell);
  } else {
    const std::array<char, 5> name = {static_cast<char>(item->type >> 24), static_cast<char>(item->type >> 16),
                                      static_cast<char>(item->type >> 8), static_cast<char>(item->type), 0};
    return unsupported((std::string("pictures of kind ") + name.data() + " are not supported").c_str());
  }
  PAIRLOOM_TRY(apply_properties(*item, picture));
  return picture;
}

// ISO/IEC 23008-12, 6.6.2.3: tiles of one size, row by row, cut at the right and at the bottom.
Result<> HeifFile::add_grid(uint32_t id, HeifPicture& picture) const {
  std::vector<std::byte> storage;
  PAIRLOOM_ASSIGN(const auto bytes, data_of(id, storage));
  BoxFields fields(bytes);
  fields.u8();  // version
  const bool wide = (fields.u8() & 1) != 0;
  picture.rows = fields.u8() + 1;
  picture.columns = fields.u8() + 1;
  picture.width = static_cast<uint32_t>(fields.number(wide ? 4 : 2));
  picture.height = static_cast<uint32_t>(fields.number(wide ? 4 : 2));
  const Reference* tiles = reference(fourcc("dimg"), id);
  if (!fields.ok() || tiles == nullptr || tiles->to.size() != size_t{picture.rows} * picture.columns)
    return corrupt("its tiles do not make a picture");
  for (const uint32_t tile : tiles->to) {
    PAIRLOOM_ASSIGN(HeifCell cell, cell_of(tile));
    if (cell.codec == fourcc("grid")) return corrupt("tiles within tiles");
    picture.cells.push_back(cell);
  }
  const HeifCell& first = picture.cells.front();
  for (const HeifCell& cell : picture.cells)
    if (cell.width != first.width || cell.height != first.height || cell.codec != first.codec)
      return corrupt("its tiles are not of one kind");
  // Each row and column is needed: so there are not many more pixels in the tiles than in the picture.
  const auto fits = [](uint64_t length, uint64_t tile, uint64_t count) {
    return length <= tile * count && length > tile * (count - 1);
  };
  if (!fits(picture.width, first.width, picture.columns) || !fits(picture.height, first.height, picture.rows))
    return corrupt("its tiles do not fit its size");
  return {};
}

Result<> HeifFile::apply_properties(const Item& item, HeifPicture& picture) const {
  picture.crop_width = picture.width;
  picture.crop_height = picture.height;
  Turn turn{false, 0};
  for (const uint16_t entry : item.properties) {
    const size_t index = entry & kPropertyIndex;
    if (index == 0) continue;
    if (index > properties_.size()) return corrupt("its tables are damaged");
    const Box& box = properties_[index - 1];
    if ((entry & kEssential) != 0 && std::ranges::find(kKnownProperties, box.type) == kKnownProperties.end())
      return unsupported("it needs a feature that is not supported");
    BoxFields fields(box.body);
    if (box.type == fourcc("irot")) {  // quarters anticlockwise
      turn.quarters = (turn.quarters + 4 - (fields.u8() & 3)) % 4;
    } else if (box.type == fourcc("imir")) {  // 0: top and bottom change places, 1: left and right
      const bool upside_down = (fields.u8() & 1) == 0;
      turn = {!turn.mirrored, (upside_down ? 6 - turn.quarters : 4 - turn.quarters) % 4};
    } else if (box.type == fourcc("clap")) {
      if (!read_crop(box.body, picture)) return corrupt("it shows a part that is not within the picture");
    } else if (box.type == fourcc("colr") && fields.u32() == fourcc("nclx")) {
      fields.u32();  // primaries and transfer
      const auto matrix = static_cast<uint8_t>(fields.u16());
      picture.colour = YuvColour{matrix, (fields.u8() & 0x80) != 0};
    }
  }
  picture.orientation = orientation_of(turn);
  return {};
}

Result<std::span<const std::byte>> HeifFile::data_of(uint32_t id, std::vector<std::byte>& storage) const {
  const Item* item = find(id);
  if (item == nullptr || item->extents.empty()) return corrupt("a part of the picture is missing");
  if (item->construction > 1 || item->data_reference != 0) return unsupported("its data lies elsewhere");
  const std::span<const std::byte> base = item->construction == 1 ? idat_ : file_;
  const auto part = [base](const Extent& extent) -> std::optional<std::span<const std::byte>> {
    if (extent.offset > base.size()) return std::nullopt;
    const uint64_t left = base.size() - extent.offset, length = extent.length == 0 ? left : extent.length;
    if (length > left) return std::nullopt;
    return base.subspan(extent.offset, length);
  };
  storage.clear();
  for (const Extent& extent : item->extents) {
    const auto bytes = part(extent);
    if (!bytes) return corrupt("the file ends too early");
    if (item->extents.size() == 1) return *bytes;
    if (storage.size() + bytes->size() > file_.size()) return corrupt("parts of the picture overlap");
    storage.insert(storage.end(), bytes->begin(), bytes->end());
  }
  return std::span<const std::byte>(storage);
}

}  // namespace pairloom::workerproc
