// RowTable: rows in memory as a table that SQL can read, by a list of its columns. Runs in: supervisor.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "index/sqlite.h"

namespace pairloom::index {

template <class Row>
class RowTable final : public RowSource {
 public:
  struct Column {
    std::string_view name;
    Value (*cell)(const Row& row);
  };
  explicit RowTable(std::span<const Column> columns) : columns_(columns) {}  // of static lifetime

  std::string columns() const override {
    std::string names;
    for (const Column& column : columns_) names.append(names.empty() ? "" : ", ").append(column.name);
    return names;
  }
  size_t row_count() const override { return rows.size(); }
  Value value(size_t row, int column) const override { return columns_[static_cast<size_t>(column)].cell(rows[row]); }

  std::span<const Row> rows;  // to be set before a statement reads them

 private:
  std::span<const Column> columns_;
};

// A cell with a number or an enum, as Database binds them.
template <class T>
RowSource::Value number(T value) {
  return static_cast<int64_t>(value);
}

}  // namespace pairloom::index
