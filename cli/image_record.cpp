#include "cli/image_record.h"

#include <fmt/format.h>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <iterator>
#include <limits>

#include "base/text.h"
#include "cli/path_parsing.h"
#include "cli/path_text.h"

namespace pairloom::cli {
namespace {

constexpr std::string_view kAccuracies[] = {"fast", "default", "full"};

std::string digest_text(const Digest& digest) {
  return fmt::format("{:016x}{:016x}", digest.hi, digest.lo);
}

tl::unexpected<Error> bad(std::string_view field, std::string_view value) {
  return fail(Errc::kInvalidArgument, fmt::format("{} cannot be '{}'", field, escape_for_terminal(value.substr(0, 200))));
}

// What a record says, by the names of JSON's fields.
using Fields = std::map<std::string, std::string>;

const std::string& field(const Fields& fields, const char* name) {
  static const std::string none;
  const auto at = fields.find(name);
  return at == fields.end() ? none : at->second;
}

template <class T>
Result<> take_number(const Fields& fields, const char* name, T& into, uint64_t least = 0,
                     uint64_t most = std::numeric_limits<T>::max()) {
  const std::string& text = field(fields, name);
  if (text.empty()) return {};
  uint64_t value = 0;
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stopped != text.data() + text.size() || value < least || value > most)
    return bad(name, text);
  into = static_cast<T>(value);
  return {};
}

Result<> take_bool(const Fields& fields, const char* name, bool& into) {
  const std::string& text = field(fields, name);
  if (text != "" && text != "0" && text != "1" && text != "false" && text != "true") return bad(name, text);
  into = text == "1" || text == "true";
  return {};
}

// utc_time() the other way round: "2024-05-01T12:00:00.123456789Z".
Result<> take_time(const Fields& fields, const char* name, int64_t& into_ns) {
  const std::string& text = field(fields, name);
  if (text.empty()) return {};
  std::tm tm{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &tm);
  int64_t ns = 0;
  const char* end = text.data() + text.size();
  if (rest == nullptr || end - rest != 11 || *rest != '.' || end[-1] != 'Z') return bad(name, text);
  const auto [stopped, error] = std::from_chars(rest + 1, end - 1, ns);
  if (error != std::errc() || stopped != end - 1 || ns < 0) return bad(name, text);
  into_ns = static_cast<int64_t>(::timegm(&tm)) * 1'000'000'000 + ns;
  return {};
}

Result<> take_digest(const Fields& fields, Digest& into) {
  const std::string& text = field(fields, "digest");
  const auto half = [&](size_t from, uint64_t& value) {
    const auto [stopped, error] = std::from_chars(text.data() + from, text.data() + from + 16, value, 16);
    return error == std::errc() && stopped == text.data() + from + 16;
  };
  if (text.size() != 32 || !half(0, into.hi) || !half(16, into.lo)) return bad("digest", text);
  return {};
}

Result<> check_path(const std::string& path) {
  const bool absolute = path.size() > 1 && path.front() == '/' && path.back() != '/';
  bool plain = absolute && path.find('\0') == std::string::npos;
  for (const char* part : {"//", "/./", "/../"}) plain = plain && path.find(part) == std::string::npos;
  if (!plain || path.ends_with("/.") || path.ends_with("/..")) return bad("path", path);
  return {};
}

Result<ImageRecord> image_from(const Fields& fields, std::string path) {
  ImageRecord record;
  record.path = std::move(path);
  PAIRLOOM_TRY(check_path(record.path));
  auto& image = record.content.image;
  PAIRLOOM_TRY(take_digest(fields, record.content.digest));
  PAIRLOOM_TRY(take_number(fields, "bytes", record.identity.size_bytes, 1, uint64_t{1} << 62));
  if (record.identity.size_bytes == 0) return bad("bytes", field(fields, "bytes"));
  record.content.size_bytes = record.identity.size_bytes;
  PAIRLOOM_TRY(take_number(fields, "inode", record.identity.inode));
  PAIRLOOM_TRY(take_time(fields, "mtime", record.identity.mtime_ns));
  PAIRLOOM_TRY(take_time(fields, "ctime", record.identity.ctime_ns));
  for (uint8_t number = 1; number < kImageFormatCount; ++number)
    if (name_of(static_cast<ImageFormat>(number)) == field(fields, "format")) image.format = static_cast<ImageFormat>(number);
  if (image.format == ImageFormat::kUnknown) return bad("format", field(fields, "format"));
  PAIRLOOM_TRY(take_number(fields, "w", image.width_px, 1, 1u << 30));
  PAIRLOOM_TRY(take_number(fields, "h", image.height_px, 1, 1u << 30));
  if (image.width_px == 0 || image.height_px == 0) return bad("w and h", "0");
  PAIRLOOM_TRY(take_number(fields, "orientation", image.orientation, 1, 8));
  PAIRLOOM_TRY(take_number(fields, "quality", image.quality, 0, 100));
  PAIRLOOM_TRY(take_number(fields, "reduction", image.reduction, 1, 255));
  PAIRLOOM_TRY(take_bool(fields, "animated", image.animated));
  PAIRLOOM_TRY(take_bool(fields, "alpha", image.has_alpha));
  PAIRLOOM_TRY(take_bool(fields, "damaged", image.damaged));
  record.content.warning = field(fields, "warning");
  const std::string& accuracy = field(fields, "accuracy");
  bool known = accuracy.empty();
  for (size_t i = 0; i < std::size(kAccuracies); ++i)
    if (kAccuracies[i] == accuracy) record.content.accuracy = static_cast<Accuracy>(i), known = true;
  if (!known) return bad("accuracy", accuracy);
  for (const AlgorithmInfo& a : algorithms()) {
    const std::string& hex = field(fields, std::string("code:").append(a.name).c_str());
    if (hex.empty()) continue;
    PAIRLOOM_ASSIGN(record.codes[a.id], code_from_hex(hex, a.bits));
  }
  return record;
}

std::string as_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_boolean() || value.is_number() ? value.dump() : std::string();
}

}  // namespace

std::string json_row(const ImageRecord& record, const std::vector<Algorithm>& algorithms) {
  const auto& image = record.content.image;
  Json row = {{"type", "image"},
              {"path", json_path(record.path)},
              {"digest", digest_text(record.content.digest)},
              {"bytes", record.identity.size_bytes},
              {"mtime", utc_time(record.identity.mtime_ns)},
              {"format", name_of(image.format)},
              {"w", image.width_px},
              {"h", image.height_px},
              {"orientation", image.orientation},
              {"quality", image.quality},
              {"animated", image.animated},
              {"alpha", image.has_alpha},
              {"damaged", image.damaged}};
  if (image.damaged) row["warning"] = record.content.warning;
  if (!algorithms.empty()) {
    row["codes"] = Json::object();
    for (const auto algorithm : algorithms)
      if (const auto code = record.codes.find(algorithm); code != record.codes.end())
        row["codes"][std::string(info(algorithm).name)] = to_hex(code->second, info(algorithm).bits);
  }
  for (const auto algorithm : record.lacks) row["lacks"].push_back(info(algorithm).name);
  row["inode"] = record.identity.inode;
  row["ctime"] = utc_time(record.identity.ctime_ns);
  row["reduction"] = image.reduction;
  row["accuracy"] = kAccuracies[static_cast<size_t>(record.content.accuracy)];
  return json_line(row);
}

std::string csv_head(const std::vector<Algorithm>& algorithms) {
  std::string line = csv_row({"path", "path_encoding", "digest", "bytes", "mtime", "format", "width", "height",
                              "orientation", "quality", "animated", "alpha", "damaged"});
  line.pop_back();
  for (const auto algorithm : algorithms) line += fmt::format(",{}", info(algorithm).name);
  return line + ",warning,inode,ctime,reduction,accuracy\n";
}

std::string csv_line(const ImageRecord& record, const std::vector<Algorithm>& algorithms) {
  const auto& image = record.content.image;
  const auto path = csv_path(record.path);
  std::string line = csv_row({path.path, path.encoding, digest_text(record.content.digest),
                              std::to_string(record.identity.size_bytes), utc_time(record.identity.mtime_ns),
                              name_of(image.format), std::to_string(image.width_px), std::to_string(image.height_px),
                              std::to_string(image.orientation), std::to_string(image.quality),
                              image.animated ? "1" : "0", image.has_alpha ? "1" : "0", image.damaged ? "1" : "0"});
  line.pop_back();
  for (const auto algorithm : algorithms) {
    const auto code = record.codes.find(algorithm);
    line += "," + (code == record.codes.end() ? std::string() : to_hex(code->second, info(algorithm).bits));
  }
  return line + "," +
         csv_row({image.damaged ? record.content.warning : std::string(), std::to_string(record.identity.inode),
                  utc_time(record.identity.ctime_ns), std::to_string(image.reduction),
                  kAccuracies[static_cast<size_t>(record.content.accuracy)]});
}

Result<std::optional<ImageRecord>> image_from_json(const std::string& line) {
  const Json record = Json::parse(line, nullptr, false);
  if (!record.is_object()) return fail(Errc::kInvalidArgument, "it is no record of JSON");
  const auto type = record.find("type");
  if (type == record.end() || *type != "image") return std::nullopt;
  const auto path = record.contains("path") ? path_from_json(record["path"]) : std::nullopt;
  if (!path) return fail(Errc::kInvalidArgument, "it has no path");
  Fields fields;
  for (const auto& [name, value] : record.items()) fields[name] = as_text(value);
  if (const auto codes = record.find("codes"); codes != record.end() && codes->is_object())
    for (const auto& [name, value] : codes->items()) {
      PAIRLOOM_TRY(algorithm_from_name(name));
      fields["code:" + name] = as_text(value);
    }
  PAIRLOOM_ASSIGN(auto image, image_from(fields, *path));
  if (const auto lacks = record.find("lacks"); lacks != record.end() && lacks->is_array())
    for (const auto& name : *lacks) {
      PAIRLOOM_ASSIGN(const auto algorithm, algorithm_from_name(as_text(name)));
      image.lacks.push_back(algorithm);
    }
  return std::optional(std::move(image));
}

Result<ImageRecord> image_from_csv(const std::vector<std::string>& columns, const std::vector<std::string>& fields) {
  if (fields.size() != columns.size())
    return fail(Errc::kInvalidArgument, fmt::format("it has {} fields where the first line names {}", fields.size(),
                                                    columns.size()));
  Fields named;
  for (size_t i = 0; i < columns.size(); ++i) {
    const bool is_code = algorithm_from_name(columns[i]).has_value();
    const std::string name = columns[i] == "width" ? "w" : columns[i] == "height" ? "h" : columns[i];
    named[is_code ? "code:" + name : name] = fields[i];
  }
  std::optional<std::string> path = field(named, "path");
  if (field(named, "path_encoding") == "base64") path = from_base64(*path);
  if (!path) return bad("path", field(named, "path"));
  return image_from(named, std::move(*path));
}

std::optional<std::vector<std::string>> parse_csv_row(const std::string& text) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"')
      fields.back() += text[i++];
    else if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      fields.emplace_back();
    else if ((c == '\n' || c == '\r') && !quoted)
      continue;
    else
      fields.back() += c;
  }
  if (quoted) return std::nullopt;
  return fields;
}

}  // namespace pairloom::cli
