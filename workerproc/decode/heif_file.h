// The container of HEIC and AVIF (ISO/IEC 23008-12): which coded pictures make up the primary picture, where their bytes
// lie, and how it is turned. Our own reader, so that no more of the format is reachable than still pictures need; the
// pictures themselves go to the codecs' own libraries (hevc.h, av1.h). Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "workerproc/decode/iso_boxes.h"
#include "workerproc/decode/yuv.h"

namespace pairloom::workerproc {

// One coded picture: the whole, or a tile of it.
struct HeifCell {
  uint32_t item = 0;                   // its number in the file
  uint32_t codec = 0;                  // fourcc: hvc1, av01, jpeg
  std::span<const std::byte> config;   // body of hvcC or av1C; empty if there is none
  uint32_t width = 0, height = 0;      // as the container claims
};

struct HeifPicture {
  std::vector<HeifCell> cells;  // row by row
  uint32_t rows = 1, columns = 1;
  uint32_t width = 0, height = 0;                             // of all cells together, less what sticks out
  uint32_t crop_x = 0, crop_y = 0, crop_width = 0, crop_height = 0;  // the part to show; not yet turned
  uint8_t orientation = 1;                                    // EXIF, of what irot and imir say
  std::optional<YuvColour> colour;                            // where the container tells
};

class HeifFile {
 public:
  // `format` begins the messages: "AVIF". The bytes outlive this. Errors: kCorrupt; kUnsupported (no still picture).
  static Result<HeifFile> parse(std::span<const std::byte> file, const char* format);

  // The picture to show. Errors: kCorrupt, kUnsupported.
  Result<HeifPicture> primary() const { return picture_of(primary_); }
  // Its transparency, a gray picture; nothing if it has none.
  std::optional<Result<HeifPicture>> alpha() const;
  bool premultiplied() const;
  // More than one picture in a row (an image sequence) beside the primary one.
  bool has_sequence() const { return has_sequence_; }

  // The bytes of a cell: in place where they lie together, else gathered in `storage`. Errors: kCorrupt.
  Result<std::span<const std::byte>> data(const HeifCell& cell, std::vector<std::byte>& storage) const {
    return data_of(cell.item, storage);
  }

 private:
  struct Extent {
    uint64_t offset = 0, length = 0;
  };
  struct Item {
    uint32_t type = 0;
    std::vector<uint16_t> properties;  // 1-based, into properties_
    uint32_t construction = 0;         // 0: offsets into the file, 1: into idat
    uint32_t data_reference = 0;
    std::vector<Extent> extents;
  };
  struct Reference {
    uint32_t type = 0, from = 0;
    std::vector<uint32_t> to;
  };

  HeifFile(std::span<const std::byte> file, const char* format) : file_(file), format_(format) {}
  Result<> read_meta(std::span<const std::byte> body);
  bool read_items(std::span<const std::byte> body);
  bool read_locations(std::span<const std::byte> body);
  bool read_references(std::span<const std::byte> body);
  bool read_properties(std::span<const std::byte> body);
  bool read_associations(std::span<const std::byte> body);

  Result<HeifPicture> picture_of(uint32_t item) const;
  Result<> add_grid(uint32_t item, HeifPicture& picture) const;
  Result<> apply_properties(const Item& item, HeifPicture& picture) const;
  Result<HeifCell> cell_of(uint32_t item) const;
  Result<std::span<const std::byte>> data_of(uint32_t item, std::vector<std::byte>& storage) const;
  const Item* find(uint32_t item) const;
  const Reference* reference(uint32_t type, uint32_t from) const;
  std::optional<Box> property(const Item& item, uint32_t type) const;
  bool is_alpha(uint32_t item) const;
  tl::unexpected<Error> corrupt(const char* what) const;
  tl::unexpected<Error> unsupported(const char* what) const;

  std::span<const std::byte> file_, idat_;
  const char* format_;
  bool has_sequence_ = false;
  uint32_t primary_ = 0;
  std::map<uint32_t, Item> items_;
  std::vector<Reference> references_;
  std::vector<Box> properties_;
};

}  // namespace pairloom::workerproc
