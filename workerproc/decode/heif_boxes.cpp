// The tables of a HEIF file, as ISO/IEC 14496-12, 8.11 (items) and ISO/IEC 23008-12, 9.3 (properties) lay them out.
#include <algorithm>

#include <fmt/format.h>

#include "workerproc/decode/heif_file.h"

namespace pairloom::workerproc {

tl::unexpected<Error> HeifFile::corrupt(const char* what) const {
  return fail(Errc::kCorrupt, fmt::format("{}: {}", format_, what));
}
tl::unexpected<Error> HeifFile::unsupported(const char* what) const {
  return fail(Errc::kUnsupported, fmt::format("{}: {}", format_, what));
}

Result<HeifFile> HeifFile::parse(std::span<const std::byte> bytes, const char* format) {
  HeifFile file(bytes, format);
  BoxReader boxes(bytes);
  std::optional<Box> meta;
  while (const auto box = boxes.next()) {
    if (box->type == fourcc("meta") && !meta) meta = box;
    if (box->type == fourcc("moov")) file.has_sequence_ = true;
  }
  if (!meta && file.has_sequence_) return file.unsupported("an image sequence without a still picture");
  if (!meta || meta->cut) return file.corrupt("the file ends before its tables do");
  PAIRLOOM_TRY(file.read_meta(meta->body));
  return file;
}

Result<> HeifFile::read_meta(std::span<const std::byte> body) {
  BoxFields head(body);
  head.version();
  bool ok = head.ok(), has_primary = false;
  BoxReader boxes(head.rest());
  while (const auto box = boxes.next()) {
    ok = ok && !box->cut;
    if (!ok) break;
    if (box->type == fourcc("pitm")) {
      BoxFields fields(box->body);
      primary_ = fields.version() == 0 ? fields.u16() : fields.u32();
      ok = has_primary = fields.ok();
    } else if (box->type == fourcc("iinf")) {
      ok = read_items(box->body);
    } else if (box->type == fourcc("iloc")) {
      ok = read_locations(box->body);
    } else if (box->type == fourcc("iref")) {
      ok = read_references(box->body);
    } else if (box->type == fourcc("iprp")) {
      ok = read_properties(box->body);
    } else if (box->type == fourcc("idat")) {
      idat_ = box->body;
    }
  }
  if (!ok) return corrupt("its tables are damaged");
  if (!has_primary || find(primary_) == nullptr) return corrupt("it names no picture to show");
  return {};
}

bool HeifFile::read_items(std::span<const std::byte> body) {
  BoxFields head(body);
  const bool narrow = head.version() == 0;
  head.number(narrow ? 2 : 4);  // how many; the boxes tell
  if (!head.ok()) return false;
  BoxReader boxes(head.rest());
  while (const auto box = boxes.next()) {
    if (box->type != fourcc("infe")) continue;
    BoxFields fields(box->body);
    const uint32_t version = fields.version();
    if (version < 2) continue;  // names files, not pictures
    const uint32_t id = version == 2 ? fields.u16() : fields.u32();
    fields.u16();  // protection
    items_[id].type = fields.u32();
    if (!fields.ok()) return false;
  }
  return true;
}

bool HeifFile::read_locations(std::span<const std::byte> body) {
  BoxFields fields(body);
  const uint32_t version = fields.version(), sizes = fields.u16();
  const size_t offset_bytes = sizes >> 12, length_bytes = sizes >> 8 & 15, base_bytes = sizes >> 4 & 15,
               index_bytes = version == 0 ? 0 : sizes & 15;
  if (version > 2 || std::max({offset_bytes, length_bytes, base_bytes, index_bytes}) > 8) return false;
  const uint32_t count = version < 2 ? fields.u16() : fields.u32();
  for (uint32_t i = 0; i < count && fields.ok(); ++i) {
    const uint32_t id = version < 2 ? fields.u16() : fields.u32();
    Item& item = items_[id];
    item.construction = version == 0 ? 0 : fields.u16() & 15;
    item.data_reference = fields.u16();
    const uint64_t base = fields.number(base_bytes);
    const uint32_t extents = fields.u16();
    item.extents.clear();
    for (uint32_t e = 0; e < extents && fields.ok(); ++e) {
      fields.number(index_bytes);
      const uint64_t offset = fields.number(offset_bytes);
      item.extents.push_back({base + offset, fields.number(length_bytes)});
    }
  }
  return fields.ok();
}

bool HeifFile::read_references(std::span<const std::byte> body) {
  BoxFields head(body);
  const size_t id_bytes = head.version() == 0 ? 2 : 4;
  if (!head.ok()) return false;
  BoxReader boxes(head.rest());
  while (const auto box = boxes.next()) {
    BoxFields fields(box->body);
    Reference reference{box->type, static_cast<uint32_t>(fields.number(id_bytes)), {}};
    const uint32_t count = fields.u16();
    for (uint32_t i = 0; i < count && fields.ok(); ++i)
      reference.to.push_back(static_cast<uint32_t>(fields.number(id_bytes)));
    if (!fields.ok()) return false;
    references_.push_back(std::move(reference));
  }
  return true;
}

bool HeifFile::read_properties(std::span<const std::byte> body) {
  const auto container = find_box(body, fourcc("ipco"));
  if (!container || container->cut) return false;
  BoxReader properties(container->body);
  while (const auto box = properties.next()) {
    if (box->cut) return false;
    properties_.push_back(*box);
  }
  BoxReader boxes(body);
  while (const auto box = boxes.next())
    if (box->type == fourcc("ipma") && !read_associations(box->body)) return false;
  return true;
}

bool HeifFile::read_associations(std::span<const std::byte> body) {
  BoxFields fields(body);
  const uint32_t head = fields.u32(), version = head >> 24, count = fields.u32();
  const bool wide = (head & 1) != 0;
  for (uint32_t i = 0; i < count && fields.ok(); ++i) {
    Item& item = items_[version < 1 ? fields.u16() : fields.u32()];
    const uint32_t associations = fields.u8();
    for (uint32_t a = 0; a < associations && fields.ok(); ++a) {
      // The highest bit says that a reader must understand it; kept, as kEssential.
      const uint32_t entry = wide ? fields.u16() : fields.u8();
      item.properties.push_back(static_cast<uint16_t>(wide ? entry : (entry & 0x80) << 8 | (entry & 0x7F)));
    }
  }
  return fields.ok();
}

}  // namespace pairloom::workerproc
