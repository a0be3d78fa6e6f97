#include <libheif/heif.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/support/encode.h"
#include "tests/support/encode_convert.h"

// Asked by the leak detector, where there is one: x265, an encoder that only tests use, loses some memory when it is opened.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libx265\n";
}
extern "C" const char* __lsan_default_options() {
  return "print_suppressions=0";
}

namespace pairloom::test {
namespace {

constexpr int kMinSide = 64;

void check(const heif_error& error) {
  if (error.code != heif_error_Ok) abort();
}

// --- a coded picture out of libheif's file ---

struct Coded {
  Bytes config, colours;  // whole boxes; colours may be empty
  Bytes data;
};

uint32_t number(const Bytes& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | std::to_integer<uint32_t>(bytes.at(at + i));
  return value;
}
// The box that begins four bytes before its name; empty if there is none.
Bytes find_box(const Bytes& file, std::string_view name) {
  const auto* found = static_cast<const std::byte*>(memmem(file.data(), file.size(), name.data(), name.size()));
  if (found == nullptr) return {};
  const auto at = static_cast<size_t>(found - file.data()) - 4;
  return {file.begin() + static_cast<ptrdiff_t>(at), file.begin() + static_cast<ptrdiff_t>(at + number(file, at))};
}

heif_image* make_image(const cv::Mat& picture) {
  heif_image* image = nullptr;
  const bool gray = picture.channels() == 1;
  check(heif_image_create(picture.cols, picture.rows, gray ? heif_colorspace_monochrome : heif_colorspace_RGB,
                          gray ? heif_chroma_monochrome : heif_chroma_interleaved_RGB, &image));
  const heif_channel channel = gray ? heif_channel_Y : heif_channel_interleaved;
  check(heif_image_add_plane(image, channel, picture.cols, picture.rows, gray ? 8 : 24));
  cv::Mat rgb;
  if (gray)
    rgb = picture;
  else
    cv::cvtColor(picture, rgb, cv::COLOR_BGR2RGB);
  int stride = 0;
  uint8_t* plane = heif_image_get_plane(image, channel, &stride);
  for (int y = 0; y < rgb.rows; ++y) memcpy(plane + y * stride, rgb.ptr(y), static_cast<size_t>(rgb.cols) * rgb.elemSize());
  return image;
}

Coded encode_with_libheif(const cv::Mat& picture, const HeifOptions& options) {
  heif_context* context = heif_context_alloc();
  heif_encoder* encoder = nullptr;
  check(heif_context_get_encoder_for_format(context, options.av1 ? heif_compression_AV1 : heif_compression_HEVC, &encoder));
  check(heif_encoder_set_lossy_quality(encoder, options.quality));
  check(heif_encoder_set_lossless(encoder, options.lossless ? 1 : 0));
  if (options.av1)
    heif_encoder_set_parameter(encoder, "speed", "8");
  else
    heif_encoder_set_parameter(encoder, "preset", "ultrafast");
  heif_image* image = make_image(picture);
  heif_image_handle* handle = nullptr;
  check(heif_context_encode_image(context, image, encoder, nullptr, &handle));
  Bytes file;
  heif_writer writer{};
  writer.writer_api_version = 1;
  writer.write = [](heif_context*, const void* data, size_t size, void* user) {
    const auto* begin = static_cast<const std::byte*>(data);
    static_cast<Bytes*>(user)->assign(begin, begin + size);
    return heif_error{heif_error_Ok, heif_suberror_Unspecified, ""};
  };
  check(heif_context_write(context, &writer, &file));
  heif_image_handle_release(handle);
  heif_image_release(image);
  heif_encoder_release(encoder);
  heif_context_free(context);
  Coded coded{find_box(file, options.av1 ? "av1C" : "hvcC"), find_box(file, "colr"), find_box(file, "mdat")};
  coded.data.erase(coded.data.begin(), coded.data.begin() + 8);
  return coded;
}

// --- the container: ISO/IEC 14496-12 and 23008-12, by hand ---

class Writer {
 public:
  Bytes bytes;
  Writer& u(uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i) bytes.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }
  Writer& text(std::string_view text) {
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    return *this;
  }
  Writer& add(const Bytes& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return *this;
  }
};
Bytes box(std::string_view name, const Bytes& body) {
  return Writer().u(body.size() + 8, 4).text(name).add(body).bytes;
}
Bytes full_box(std::string_view name, int version, const Bytes& body) {
  return box(name, Writer().u(static_cast<uint64_t>(version) << 24, 4).add(body).bytes);
}

struct Item {
  std::string_view type;
  std::vector<int> properties;  // 1-based
  Bytes data;
  bool in_idat = false;
};
struct Reference {
  std::string_view type;
  int from;
  std::vector<int> to;
};

class Container {
 public:
  int add_property(const Bytes& property) {
    properties_.add(property);
    return ++property_count_;
  }
  int add_item(Item item) {
    items_.push_back(std::move(item));
    return static_cast<int>(items_.size());
  }
  void add_reference(Reference reference) { references_.push_back(std::move(reference)); }

  Bytes write(std::string_view brand, int primary, bool sequence, bool scattered) const {
    Bytes file = box("ftyp", Writer().text(brand).u(0, 4).text("mif1").text(brand).bytes);
    const Bytes moov = sequence ? box("moov", {}) : Bytes();
    const size_t meta_bytes = meta(primary, 0, scattered).size();
    const size_t data_at = file.size() + meta_bytes + moov.size() + 8;
    const Bytes tables = meta(primary, data_at, scattered);
    file.insert(file.end(), tables.begin(), tables.end());
    file.insert(file.end(), moov.begin(), moov.end());
    Writer data;
    for (const Item& item : items_)
      if (!item.in_idat) data.add(item.data);
    const Bytes mdat = box("mdat", data.bytes);
    file.insert(file.end(), mdat.begin(), mdat.end());
    return file;
  }

 private:
  Bytes meta(int primary, size_t data_at, bool scattered) const {
    Writer iinf, iloc, iref, ipma, idat;
    iinf.u(items_.size(), 2);
    iloc.u(0x4400, 2).u(items_.size(), 2);
    ipma.u(items_.size(), 4);
    size_t file_at = data_at;
    for (size_t i = 0; i < items_.size(); ++i) {
      const Item& item = items_[i];
      iinf.add(full_box("infe", 2, Writer().u(i + 1, 2).u(0, 2).text(item.type).u(0, 1).bytes));
      const size_t at = item.in_idat ? idat.bytes.size() : file_at;
      iloc.u(i + 1, 2).u(item.in_idat ? 1 : 0, 2).u(0, 2);
      if (scattered && !item.in_idat) {
        const size_t half = item.data.size() / 2;
        iloc.u(2, 2).u(at, 4).u(half, 4).u(at + half, 4).u(item.data.size() - half, 4);
      } else {
        iloc.u(1, 2).u(at, 4).u(item.data.size(), 4);
      }
      if (item.in_idat)
        idat.add(item.data);
      else
        file_at += item.data.size();
      ipma.u(i + 1, 2).u(item.properties.size(), 1);
      for (const int property : item.properties) ipma.u(static_cast<uint64_t>(property), 1);
    }
    for (const Reference& reference : references_) {
      Writer body;
      body.u(static_cast<uint64_t>(reference.from), 2).u(reference.to.size(), 2);
      for (const int to : reference.to) body.u(static_cast<uint64_t>(to), 2);
      iref.add(box(reference.type, body.bytes));
    }
    Writer body;
    body.add(full_box("hdlr", 0, Writer().u(0, 4).text("pict").u(0, 8).u(0, 5).bytes));
    body.add(full_box("pitm", 0, Writer().u(static_cast<uint64_t>(primary), 2).bytes));
    body.add(full_box("iinf", 0, iinf.bytes)).add(full_box("iloc", 1, iloc.bytes)).add(full_box("iref", 0, iref.bytes));
    body.add(box("iprp", Writer().add(box("ipco", properties_.bytes)).add(full_box("ipma", 0, ipma.bytes)).bytes));
    if (!idat.bytes.empty()) body.add(box("idat", idat.bytes));
    return full_box("meta", 0, body.bytes);
  }

  Writer properties_;
  int property_count_ = 0;
  std::vector<Item> items_;
  std::vector<Reference> references_;
};

Bytes size_property(int width, int height) {
  return full_box("ispe", 0, Writer().u(static_cast<uint64_t>(width), 4).u(static_cast<uint64_t>(height), 4).bytes);
}
// The upper left part.
Bytes crop_property(cv::Size shown, cv::Size coded) {
  const auto half = [](int from, int to) { return static_cast<uint32_t>(from - to); };  // of an offset, in halves
  Writer body;
  body.u(static_cast<uint32_t>(shown.width), 4).u(1, 4).u(static_cast<uint32_t>(shown.height), 4).u(1, 4);
  body.u(half(shown.width, coded.width), 4).u(2, 4).u(half(shown.height, coded.height), 4).u(2, 4);
  return box("clap", body.bytes);
}

cv::Mat padded(const cv::Mat& image, int multiple_x, int multiple_y) {
  const auto up = [](int length, int multiple) {
    return (std::max(length, kMinSide) + multiple - 1) / multiple * multiple;
  };
  const int width = up(image.cols, multiple_x), height = up(image.rows, multiple_y);
  cv::Mat out;
  cv::copyMakeBorder(image, out, 0, height - image.rows, 0, width - image.cols, cv::BORDER_REPLICATE);
  return out;
}

// The item of a picture, with its tiles where it has some; `common` properties go to it.
int add_picture(Container& container, const cv::Mat& image, const HeifOptions& options, std::vector<int> common) {
  const std::string_view type = options.av1 ? "av01" : "hvc1";
  const cv::Mat coded = padded(image, kMinSide * options.columns, kMinSide * options.rows);
  const int width = coded.cols / options.columns, height = coded.rows / options.rows;
  std::vector<int> tiles, properties;
  for (int i = 0; i < options.columns * options.rows; ++i) {
    const cv::Rect place(i % options.columns * width, i / options.columns * height, width, height);
    Coded tile = encode_with_libheif(coded(place).clone(), options);
    properties = {container.add_property(size_property(width, height)), container.add_property(tile.config)};
    if (!tile.colours.empty()) properties.push_back(container.add_property(tile.colours));
    if (options.columns * options.rows > 1)
      tiles.push_back(container.add_item({type, properties, std::move(tile.data)}));
    else {
      if (image.size() != coded.size())
        properties.push_back(container.add_property(crop_property(image.size(), coded.size())));
      properties.insert(properties.end(), common.begin(), common.end());
      return container.add_item({type, properties, std::move(tile.data)});
    }
  }
  // The grid's own size cuts what sticks out.
  Writer grid;
  grid.u(0, 2).u(static_cast<uint64_t>(options.rows - 1), 1).u(static_cast<uint64_t>(options.columns - 1), 1);
  const int shown_width = std::max(image.cols, width * (options.columns - 1) + 1),
            shown_height = std::max(image.rows, height * (options.rows - 1) + 1);
  grid.u(static_cast<uint64_t>(shown_width), 2).u(static_cast<uint64_t>(shown_height), 2);
  std::vector<int> of_grid = {container.add_property(size_property(shown_width, shown_height))};
  if (cv::Size(shown_width, shown_height) != image.size())
    of_grid.push_back(container.add_property(crop_property(image.size(), {shown_width, shown_height})));
  of_grid.insert(of_grid.end(), common.begin(), common.end());
  const int item = container.add_item({"grid", of_grid, grid.bytes, true});
  container.add_reference({"dimg", item, tiles});
  return item;
}

}  // namespace

Bytes encode_heif(const cv::Mat& image, const HeifOptions& options) {
  Container container;
  std::vector<int> turns;
  if (options.quarters != 0)
    turns.push_back(container.add_property(box("irot", Writer().u(static_cast<uint64_t>(options.quarters), 1).bytes)));
  if (options.mirror >= 0)
    turns.push_back(container.add_property(box("imir", Writer().u(static_cast<uint64_t>(options.mirror), 1).bytes)));
  const cv::Mat colours = image.channels() == 4 ? with_channels(image, 3) : image;
  const int primary = add_picture(container, colours, options, turns);
  if (image.channels() == 4) {
    cv::Mat alpha;
    cv::extractChannel(image, alpha, 3);
    HeifOptions exact = options;
    exact.lossless = true;
    std::vector<int> properties = turns;
    properties.push_back(container.add_property(full_box(
        "auxC", 0, Writer().text("urn:mpeg:mpegB:cicp:systems:auxiliary:alpha").u(0, 1).bytes)));
    const int item = add_picture(container, alpha, exact, properties);
    container.add_reference({"auxl", item, {primary}});
  }
  return container.write(options.av1 ? "avif" : "heic", primary, options.sequence, options.scattered);
}

}  // namespace pairloom::test
