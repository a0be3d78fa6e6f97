#include <gtest/gtest.h>

#include <string>

#include "workerproc/decode/decode.h"

namespace pairloom::workerproc {
namespace {

using namespace std::string_literals;

ImageFormat sniff_text(const std::string& text) {
  return sniff(std::as_bytes(std::span(text)));
}
std::string padded(std::string text) {
  text.resize(64);
  return text;
}

TEST(Sniff, KnowsEveryFormatByItsFirstBytes) {
  const std::pair<std::string, ImageFormat> kTable[] = {
      {"\xFF\xD8\xFF\xE0", ImageFormat::kJpeg},
      {"\x89PNG\r\n\x1A\n", ImageFormat::kPng},
      {"RIFF\x10\0\0\0WEBPVP8 "s, ImageFormat::kWebp},
      {"II*\0\x08\0\0\0"s, ImageFormat::kTiff},
      {"MM\0*\0\0\0\x08"s, ImageFormat::kTiff},
      {"II+\0\x08\0\0\0"s, ImageFormat::kTiff},
      {"GIF87a", ImageFormat::kGif},
      {"GIF89a", ImageFormat::kGif},
      {"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0"s, ImageFormat::kBmp},
      {"P1\n1 1\n", ImageFormat::kPnm},
      {"P6 # comment", ImageFormat::kPnm},
      {"P7\nWIDTH 1\n", ImageFormat::kPnm},
      {"\0\0\0\x18"
       "ftypheic\0\0\0\0mif1heic"s,
       ImageFormat::kHeif},
      {"\0\0\0\x18"
       "ftypavif\0\0\0\0avifmif1"s,
       ImageFormat::kAvif},
      {"\0\0\0\x18"
       "ftypmif1\0\0\0\0mif1avif"s,
       ImageFormat::kAvif},
      {"\0\0\0\x18"
       "ftypcrx \0\0\0\0"s,
       ImageFormat::kRaw},
      {"\xFF\x0A\xFA\x7F", ImageFormat::kJxl},
      {"\0\0\0\x0CJXL \r\n\x87\n"s, ImageFormat::kJxl},
      {"\0\0\0\x0CjP  \r\n\x87\n"s, ImageFormat::kJp2},
      {"\xFF\x4F\xFF\x51", ImageFormat::kJp2},
      {"II*\0\x10\0\0\0CR\x02\0"s, ImageFormat::kRaw},
      {"FUJIFILMCCD-RAW 0201", ImageFormat::kRaw},
      {"IIU\0\x18\0\0\0"s, ImageFormat::kRaw},
      {"8BPS\0\x01"s, ImageFormat::kPsd},
      {"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0"s, ImageFormat::kIco},
      {"II\x1A\0\0\0HEAPCCDR"s, ImageFormat::kRaw},
  };
  for (const auto& [head, format] : kTable)
    EXPECT_EQ(sniff_text(padded(head)), format) << ::testing::PrintToString(head);
}

TEST(Sniff, LetsNothingElseThrough) {
  const std::string kOthers[] = {
      "",
      "P",
      "P6",  // a magic without a header
      "P61 is a road",
      "BMW is a car, and this is a text that begins with BM",
      "GIF90a",
      "RIFF\x10\0\0\0WAVEfmt "s,
      "\0\0\0\x18"
      "ftypisom\0\0\0\0isomavc1"s,  // MP4
      "\0\0\0\x14"
      "ftypqt  \0\0\0\0"s,
      "NITF02.10",  // handed to GDAL by others
      padded("") + padded("") + "DICM",
      "SIMPLE  =                    T",  // FITS
      "#?RADIANCE\n",
      "%PDF-1.7",
      "\x7F"
      "ELF",
      "\0\0\x01\xBA"s,  // MPEG programme stream
      "<svg xmlns=",
      "\xFF\xD8",
      "II*",
  };
  for (const std::string& head : kOthers)
    EXPECT_EQ(sniff_text(head), ImageFormat::kUnknown) << ::testing::PrintToString(head);
}

TEST(Sniff, NamesFormatsThatNobodyReads) {
  const auto name = [](const std::string& text) { return name_of_unread(std::as_bytes(std::span(text))); };
  EXPECT_EQ(name("SIMPLE  =  T"), "FITS");
  EXPECT_EQ(name("qoif\0\0\0\1"s), "QOI");
  EXPECT_EQ(name("GIF89a"), "");
}

TEST(Sniff, LooksAtNoMoreThanTheFirstBytes) {
  std::string text = padded("GIF89a");
  EXPECT_EQ(sniff_text(text + "anything"), sniff_text(text));
  for (size_t length = 0; length < 64; ++length) sniff_text(text.substr(0, length));  // reads nothing beyond the end
}

}  // namespace
}  // namespace pairloom::workerproc
