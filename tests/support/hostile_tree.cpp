#include "tests/support/hostile_tree.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "tests/support/draw.h"
#include "tests/support/encode.h"

namespace pairloom::test {
namespace {

namespace fs = std::filesystem;

Bytes first_bytes(const Bytes& file, size_t count) {
  return {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(std::min(count, file.size()))};
}

void put_u32(Bytes& bytes, size_t at, uint32_t value, bool big_endian) {
  for (size_t i = 0; i < 4; ++i) bytes.at(at + i) = static_cast<std::byte>(value >> (big_endian ? 24 - 8 * i : 8 * i));
}

size_t find(const Bytes& bytes, std::string_view text) {
  const auto* found = static_cast<const std::byte*>(memmem(bytes.data(), bytes.size(), text.data(), text.size()));
  if (found == nullptr) throw std::runtime_error("the encoder writes something else now");
  return static_cast<size_t>(found - bytes.data());
}

Bytes bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

class Tree {
 public:
  explicit Tree(fs::path directory) : directory_(std::move(directory)) {}

  void add(const std::string& name, const Bytes& bytes, std::optional<Outcome> expected = std::nullopt) {
    const fs::path path = directory_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
    files_.push_back({name, expected});
  }
  void add_sparse(const std::string& name, const Bytes& beginning, off_t size, Outcome expected) {
    add(name, beginning, expected);
    if (::truncate((directory_ / name).c_str(), size) != 0) throw std::runtime_error("cannot make a sparse file");
  }

  const fs::path& directory() const { return directory_; }
  std::vector<HostileFile> take() { return std::move(files_); }

 private:
  fs::path directory_;
  std::vector<HostileFile> files_;
};

std::vector<std::pair<std::string, Bytes>> samples() {
  const cv::Mat image = draw_picture(1, 160, 120);
  return {{"baseline.jpg", encode_jpeg(image)},
          {"progressive.jpg", encode_jpeg(image, {.progressive = true})},
          {"cmyk.jpg", encode_jpeg(image, {.colour = JpegOptions::Colour::kCmyk})},
          {"plain.png", encode_png(image)},
          {"interlaced.png", encode_png(image, {.interlaced = true})},
          {"palette.png", encode_png(image, {.colour = PngOptions::Colour::kPalette})},
          {"lossy.webp", encode_webp(image)},
          {"lossless.webp", encode_webp(image, {.lossless = true})},
          {"animated.webp", encode_webp(image, {.frames = 3})},
          {"strips.tif", encode_tiff(image)},
          {"tiles.tif", encode_tiff(image, {.compression = TiffOptions::Compression::kDeflate, .tiled = true})},
          {"jpeg.tif", encode_tiff(image, {.compression = TiffOptions::Compression::kJpeg})},
          {"plain.gif", encode_gif(image)},
          {"animated.gif", encode_gif(image, {.frames = 3})},
          {"plain.bmp", encode_bmp(image)},
          {"rle.bmp", encode_bmp(image, {.bits = 8, .rle = true})},
          {"text.pnm", encode_pnm(image, 3)},
          {"binary.pnm", encode_pnm(image, 6)},
          {"plain.heic", encode_heif(image)},
          {"tiles.heic", encode_heif(image, {.columns = 2, .rows = 2, .scattered = true})},
          {"plain.avif", encode_heif(image, {.av1 = true})},
          {"lossy.jxl", encode_jxl(image, {.container = true})},
          {"lossless.jxl", encode_jxl(image, {.lossless = true})},
          {"lossless.jp2", encode_jp2(image)},
          {"lossy.j2k", encode_jp2(image, {.lossless = false, .bare = true})},
          {"runs.psd", encode_psd(image)},
          {"raw.psd", encode_psd(image, {.run_lengths = false})},
          {"bitmap.ico", encode_ico(image)},
          {"png.ico", encode_ico(image, {.png = true})},
          {"plain.dng", encode_dng(image)},
          {"preview.dng", encode_dng(image, {.preview_width = 320, .preview_height = 240})}};
}

void add_broken_off(Tree& tree) {
  for (const auto& [name, whole] : samples()) {
    tree.add("whole/" + name, whole, Outcome::kIndexed);
    const size_t size = whole.size();
    for (const size_t length : {size_t{1}, size_t{3}, size_t{8}, size_t{13}, size_t{30}, size_t{64}, size / 10, size / 4,
                                size / 2, 3 * size / 4, 9 * size / 10, size - 1})
      tree.add("broken/" + std::to_string(length) + " of " + name, first_bytes(whole, length));
  }
  tree.add("broken/empty.jpg", {}, Outcome::kNotImage);
}

void add_damaged(Tree& tree) {
  std::mt19937 random(7);
  for (const auto& [name, whole] : samples()) {
    for (int n = 0; n < 10; ++n) {
      Bytes bytes = whole;
      for (int i = 0; i < 1 + n; ++i)
        bytes[random() % std::min<size_t>(bytes.size(), n % 2 == 0 ? 200 : bytes.size())] =
            static_cast<std::byte>(random());
      tree.add("damaged/" + std::to_string(n) + " " + name, bytes);
    }
    Bytes noise = first_bytes(whole, 16);
    for (int i = 0; i < 5000; ++i) noise.push_back(static_cast<std::byte>(random()));
    tree.add("damaged/noise in " + name, noise);
  }
}

// Small files that ask for much.
void add_bombs(Tree& tree) {
  const cv::Mat small = draw_picture(2, 40, 30);
  Bytes webp = encode_webp(cv::Mat(16, 16, CV_8UC3, cv::Scalar::all(9)), {.lossless = true});
  put_u32(webp, 21, 16382u | 16382u << 14, false);  // VP8L: 14 bits of width - 1, 14 of height - 1
  tree.add("bombs/1.9 GB.webp", webp, Outcome::kTooLarge);

  for (const uint32_t side : {19'000u, 30'000u}) {  // less and more than the limit for pixels
    Bytes claims = encode_png(small);
    put_u32(claims, 16, side, true);
    put_u32(claims, 20, side, true);
    tree.add("bombs/side of " + std::to_string(side) + ".png", claims, Outcome::kTooLarge);
  }
  tree.add("bombs/inflates.png", encode_png(small, {.text = std::string(100'000'000, 'x')}), Outcome::kIndexed);
  Bytes endless = encode_png(small, {.text = "text"});
  put_u32(endless, find(endless, "zTXt") - 4, 0x7FFFFFFF, true);
  tree.add("bombs/2 GB of text.png", endless, Outcome::kCorrupt);

  const Bytes jpeg = encode_jpeg(small, {.colour = JpegOptions::Colour::kGray, .progressive = true});
  const size_t scan = find(jpeg, std::string_view("\xFF\xDA", 2));
  size_t end = scan + 2;
  while (!(jpeg[end] == std::byte{0xFF} && jpeg[end + 1] != std::byte{0})) ++end;
  Bytes scans = first_bytes(jpeg, scan);
  for (int i = 0; i < 600; ++i)
    scans.insert(scans.end(), jpeg.begin() + static_cast<std::ptrdiff_t>(scan),
                 jpeg.begin() + static_cast<std::ptrdiff_t>(end));
  scans.insert(scans.end(), jpeg.begin() + static_cast<std::ptrdiff_t>(end), jpeg.end());
  tree.add("bombs/600 scans.jpg", scans);

  Bytes loop = encode_tiff(small);
  uint32_t ifd = 0;
  std::memcpy(&ifd, &loop[4], 4);
  uint16_t entries = 0;
  std::memcpy(&entries, &loop[ifd], 2);
  put_u32(loop, ifd + 2 + 12u * entries, ifd, false);
  tree.add("bombs/loop.tif", loop);
  Bytes tiles = encode_tiff(small, {.compression = TiffOptions::Compression::kNone, .tiled = true});
  const size_t tile_width = find(tiles, std::string_view("\x42\x01", 2));  // tag 322, SHORT, 1, value
  put_u32(tiles, tile_width + 2, 4 | 1u << 16, false);                     // now LONG
  put_u32(tiles, tile_width + 8, 0x7FFFFFF0, false);
  tree.add("bombs/giant tiles.tif", tiles);
  tree.add("bombs/4 billion.pnm", bytes_of("P6 4000000000 4000000000 255\n123"), Outcome::kTooLarge);

  tree.add_sparse("large/10 GB.jpg", first_bytes(encode_jpeg(small), 100), off_t{10} << 30, Outcome::kTooLarge);
  tree.add_sparse("large/10 GB of nothing", {}, off_t{10} << 30, Outcome::kNotImage);
}

void add_names(Tree& tree) {
  const Bytes jpeg = encode_jpeg(draw_picture(3, 64, 48));
  for (const std::string& name : {std::string("new\nline.jpg"), std::string("not \xFF\xFE UTF-8.jpg"), std::string("-rf"),
                                  std::string(" "), std::string("\x1B[2J.jpg"), std::string(255, 'l')})
    tree.add("names/" + name, jpeg, Outcome::kIndexed);
  tree.add("names/no extension", jpeg, Outcome::kIndexed);
  tree.add("names/text.jpg", bytes_of("just text\n"), Outcome::kNotImage);
}

// None of these is an input; opening some of them would hang for ever.
void add_special_files(const fs::path& directory) {
  fs::create_directories(directory / "directory.jpg");
  if (::mkfifo((directory / "fifo.jpg").c_str(), 0666) != 0) throw std::runtime_error("cannot make a FIFO");
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (directory / "socket.jpg").c_str(), sizeof address.sun_path - 1);
  const int bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::close(fd);
  if (bound != 0) throw std::runtime_error("cannot make a socket");
  fs::create_symlink("loop.jpg", directory / "loop.jpg");
  fs::create_directory_symlink("..", directory / "up");
  fs::create_symlink("/nowhere", directory / "dangling.jpg");
  fs::create_symlink("/dev/zero", directory / "zero.jpg");
  if (::geteuid() == 0 && ::mknod((directory / "device.jpg").c_str(), S_IFCHR | 0666, makedev(1, 5)) != 0)
    fs::create_directories(directory / "device.jpg");  // a container forbids devices
}

}  // namespace

std::vector<HostileFile> plant_hostile_tree(const std::string& directory, bool unreadable) {
  Tree tree(directory);
  add_broken_off(tree);
  add_damaged(tree);
  add_bombs(tree);
  add_names(tree);
  fs::create_directories(tree.directory() / "special");
  add_special_files(tree.directory() / "special");
  if (unreadable) {
    tree.add("locked/file.jpg", encode_jpeg(draw_picture(4, 64, 48)), Outcome::kUnreadable);
    fs::permissions(tree.directory() / "locked/file.jpg", fs::perms::none);
  }
  return tree.take();
}

}  // namespace pairloom::test
