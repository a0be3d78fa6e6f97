// Makes codes for the search benchmarks the honest way: PDQ and dHash of crops of real (or drawn) pictures, so that
// their bits are as skewed and as dependent as those of a real collection. About one in seven is an edit (a crop moved
// by a few pixels) of one of the last thousand, so there are near-duplicates of every distance and some equal codes.
//   make_codes COUNT OUTDIR PICTURES...     PICTURES: image files or directories
// Writes OUTDIR/pdq.codes (32 bytes each) and OUTDIR/dhash.codes (8 bytes each), little-endian words, in one order.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "base/algorithm.h"
#include "workerproc/decode/decode.h"
#include "workerproc/extract/dhash.h"
#include "workerproc/extract/pdq.h"

using namespace pairloom;
using namespace pairloom::workerproc;
namespace fs = std::filesystem;

namespace {

struct Crop {
  size_t picture;
  uint32_t left_px, top_px, width_px, height_px;
};

void decode_file(const fs::path& path, std::vector<Picture>& pictures) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  Picture picture;
  if (!decode(std::as_bytes(std::span(bytes)), {}, picture) || std::min(picture.width_px, picture.height_px) < 64)
    return;
  picture.orientation = 1;
  pictures.push_back(std::move(picture));
}

std::vector<Picture> decode_all(int count, char** paths) {
  std::vector<Picture> pictures;
  for (int i = 0; i < count; ++i) {
    if (!fs::is_directory(paths[i]))
      decode_file(paths[i], pictures);
    else
      for (const auto& entry : fs::recursive_directory_iterator(paths[i]))
        if (entry.is_regular_file()) decode_file(entry.path(), pictures);
  }
  return pictures;
}

class CropMaker {
 public:
  explicit CropMaker(const std::vector<Picture>& pictures) : pictures_(pictures) {}

  Crop next() {
    Crop crop = !recent_.empty() && random_() % 7 == 0 ? moved(recent_[random_() % recent_.size()]) : fresh();
    if (recent_.size() < 1000)
      recent_.push_back(crop);
    else
      recent_[random_() % recent_.size()] = crop;
    return crop;
  }

 private:
  // 35 to 95 % of each side, anywhere.
  Crop fresh() {
    const size_t number = random_() % pictures_.size();
    const Picture& p = pictures_[number];
    const auto side = [&](uint32_t full) { return static_cast<uint32_t>(full * (350 + random_() % 600) / 1000); };
    Crop crop{number, 0, 0, side(p.width_px), side(p.height_px)};
    crop.left_px = static_cast<uint32_t>(random_() % (p.width_px - crop.width_px));
    crop.top_px = static_cast<uint32_t>(random_() % (p.height_px - crop.height_px));
    return crop;
  }
  Crop moved(Crop crop) {
    const Picture& p = pictures_[crop.picture];
    const auto move = [&](uint32_t at, uint32_t room) {
      const uint32_t by = at + static_cast<uint32_t>(random_() % 4);
      return std::min(by, room);
    };
    crop.left_px = move(crop.left_px, p.width_px - crop.width_px);
    crop.top_px = move(crop.top_px, p.height_px - crop.height_px);
    return crop;
  }

  const std::vector<Picture>& pictures_;
  std::mt19937_64 random_{7};
  std::vector<Crop> recent_;
};

void cut_out(const Picture& from, const Crop& crop, Picture& into) {
  into.width_px = into.full_width_px = into.stride_bytes = crop.width_px;
  into.height_px = into.full_height_px = crop.height_px;
  into.layout = PixelLayout::kGray;
  into.pixels.resize(size_t{crop.width_px} * crop.height_px);
  for (uint32_t y = 0; y < crop.height_px; ++y)
    std::copy_n(&from.pixels[size_t{crop.top_px + y} * from.stride_bytes + crop.left_px], crop.width_px,
                &into.pixels[size_t{y} * crop.width_px]);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: make_codes COUNT OUTDIR PICTURES...\n");
    return 2;
  }
  const uint64_t count = std::strtoull(argv[1], nullptr, 10);
  const fs::path directory = argv[2];
  const std::vector<Picture> pictures = decode_all(argc - 3, argv + 3);
  if (pictures.empty()) {
    std::fprintf(stderr, "make_codes: no picture there that can be decoded\n");
    return 1;
  }
  fs::create_directories(directory);
  std::ofstream pdq(directory / "pdq.codes", std::ios::binary), dhash(directory / "dhash.codes", std::ios::binary);
  CropMaker crops(pictures);
  PdqHasher pdq_hasher;
  AreaSummer summer;
  Picture piece;
  for (uint64_t i = 0; i < count; ++i) {
    const Crop crop = crops.next();
    cut_out(pictures[crop.picture], crop, piece);
    const View view = view_of(piece);
    const Code long_code = pdq_hasher.hash(view).code;
    const Code short_code = workerproc::dhash(view, summer);
    pdq.write(reinterpret_cast<const char*>(long_code.words.data()), 32);
    dhash.write(reinterpret_cast<const char*>(short_code.words.data()), 8);
  }
  if (!pdq.flush() || !dhash.flush()) {
    std::fprintf(stderr, "make_codes: cannot write below %s\n", directory.c_str());
    return 1;
  }
}
