#include "index/new_images.h"

#include <utility>

namespace pairloom::index {
namespace {

template <class T>
RowSource::Value number(T value) {
  return static_cast<int64_t>(value);
}

// In the order of the cells below.
constexpr const char* kContentColumns =
    "id, digest, size, format, width, height, orientation, quality, reduction, animated, alpha, damaged, warning, "
    "algorithms, algorithms_default, algorithms_full, live_files, first_run, worker_slot, elapsed_us";
constexpr const char* kFileColumns = "directory, name, inode, size, mtime_ns, ctime_ns, content, run";
constexpr const char* kCodeColumns = "content, algorithm, position, code, flags";

}  // namespace

NewImages::NewImages()
    : contents_table_(*this, kContentColumns, &NewImages::image_count, &NewImages::content_cell),
      files_table_(*this, kFileColumns, &NewImages::image_count, &NewImages::file_cell),
      codes_table_(*this, kCodeColumns, &NewImages::code_count, &NewImages::code_cell) {}

Result<> NewImages::add_tables_to(Database& database) {
  PAIRLOOM_TRY(database.add_table_of("new_content", contents_table_));
  PAIRLOOM_TRY(database.add_table_of("new_file", files_table_));
  return database.add_table_of("new_code", codes_table_);
}

void NewImages::add(NewImage image, std::string_view name) {
  image.name_begin = names_.size();
  image.name_size = name.size();
  names_ += name;
  images_.push_back(std::move(image));
}

void NewImages::clear() {
  images_.clear();
  codes_.clear();
  names_.clear();
}

RowSource::Value NewImages::content_cell(size_t row, int column) const {
  const NewImage& image = images_[row];
  switch (column) {
    case 0:
      return number(image.content);
    case 1:
      return Blob{image.digest.view()};
    case 2:
      return number(image.identity.size_bytes);
    case 3:
      return number(image.image.format);
    case 4:
      return number(image.image.width_px);
    case 5:
      return number(image.image.height_px);
    case 6:
      return number(image.image.orientation);
    case 7:
      return number(image.image.quality);
    case 8:
      return number(image.image.reduction);
    case 9:
      return number(image.image.animated);
    case 10:
      return number(image.image.has_alpha);
    case 11:
      return number(image.image.damaged);
    case 12:
      return Text{image.warning};
    case 13:
      return number(image.coverage.any);
    case 14:
      return number(image.coverage.at_least_default);
    case 15:
      return number(image.coverage.full);
    case 16:
      return number(1);  // live files: the one it comes with
    case 17:
      return number(image.run);
    case 18:
      return number(image.worker_slot);
    case 19:
      return number(image.elapsed_us);
    default:
      return nullptr;
  }
}

RowSource::Value NewImages::file_cell(size_t row, int column) const {
  const NewImage& image = images_[row];
  switch (column) {
    case 0:
      return number(image.directory);
    case 1:
      return Blob{name(image)};
    case 2:
      return number(image.identity.inode);
    case 3:
      return number(image.identity.size_bytes);
    case 4:
      return number(image.identity.mtime_ns);
    case 5:
      return number(image.identity.ctime_ns);
    case 6:
      return number(image.content);
    case 7:
      return number(image.run);
    default:
      return nullptr;
  }
}

RowSource::Value NewImages::code_cell(size_t row, int column) const {
  const NewCode& code = codes_[row];
  switch (column) {
    case 0:
      return number(code.content);
    case 1:
      return number(code.algorithm);
    case 2:
      return number(code.position);
    case 3:
      return Blob{code.code.view()};
    case 4:
      return number(code.flags);
    default:
      return nullptr;
  }
}

}  // namespace pairloom::index
