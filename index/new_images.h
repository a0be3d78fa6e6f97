// NewImages: what the writer has taken and not handed to SQLite yet: images that are new to the index, in files that are
// new as far as anybody knows. They go in by the hundred, in one statement for each table. Private to index/writer_*.cpp
// and index_writer.cpp. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "index/encoding.h"
#include "index/rows.h"
#include "index/sqlite.h"

namespace pairloom::index {

// A row of `content` and one of `file`.
struct NewImage {
  ContentId content;
  DirectoryId directory;
  StatIdentity identity;
  StoredBytes digest;
  ImageInfo image;
  std::string warning;
  Coverage coverage;
  RunId run;
  uint32_t worker_slot;
  int64_t elapsed_us;
  size_t name_begin = 0, name_size = 0;  // NewImages::name()
};

// A row of `code`.
struct NewCode {
  ContentId content;
  Algorithm algorithm;
  uint64_t position;
  StoredBytes code;
  uint8_t flags;
};

class NewImages {
 public:
  NewImages();
  NewImages(const NewImages&) = delete;  // the tables refer to it
  NewImages& operator=(const NewImages&) = delete;

  // Lets SQL read them: new_content, new_file and new_code.
  Result<> add_tables_to(Database& database);

  void add(NewImage image, std::string_view name);  // name_begin and name_size are set here
  void add(const NewCode& code) { codes_.push_back(code); }
  void clear();

  const std::vector<NewImage>& images() const { return images_; }
  std::string_view name(const NewImage& image) const {
    return std::string_view(names_).substr(image.name_begin, image.name_size);
  }

 private:
  class Table final : public RowSource {
   public:
    using Count = size_t (NewImages::*)() const;
    using Cell = Value (NewImages::*)(size_t row, int column) const;
    Table(const NewImages& of, const char* columns, Count count, Cell cell)
        : of_(&of), columns_(columns), count_(count), cell_(cell) {}
    const char* columns() const override { return columns_; }
    size_t row_count() const override { return (of_->*count_)(); }
    Value value(size_t row, int column) const override { return (of_->*cell_)(row, column); }

   private:
    const NewImages* of_;
    const char* columns_;
    Count count_;
    Cell cell_;
  };

  size_t image_count() const { return images_.size(); }
  size_t code_count() const { return codes_.size(); }
  RowSource::Value content_cell(size_t row, int column) const;
  RowSource::Value file_cell(size_t row, int column) const;
  RowSource::Value code_cell(size_t row, int column) const;

  std::vector<NewImage> images_;
  std::vector<NewCode> codes_;
  std::string names_;  // one behind the other
  Table contents_table_, files_table_, codes_table_;
};

}  // namespace pairloom::index
