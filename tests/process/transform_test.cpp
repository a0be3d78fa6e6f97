// pairloom transform as its users meet it: real workers, real files. What a picture becomes must not depend on how the
// work was cut, on how many did it, or on who died meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <opencv2/imgproc.hpp>
#include <random>

#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "workerproc/decode/decode.h"

namespace pairloom {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string npy(const cv::Mat& grid) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(grid.rows) + ", " +
                       std::to_string(grid.cols) + "), }\n";
  std::string text = "\x93NUMPY";
  text += {'\1', '\0', static_cast<char>(header.size() & 255), static_cast<char>(header.size() >> 8)};
  return text + header + std::string(reinterpret_cast<const char*>(grid.data), grid.total() * 4);
}

class Transform : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const test::Bytes& bytes) {
    return dir_.write(name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  test::Finished run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {PAIRLOOM_PROGRAM, "transform"});
    return test::run_program(arguments);
  }
  // The output as BGRA, after a run that must go well.
  cv::Mat transformed(const std::string& in, std::vector<std::string> arguments, const std::string& out = "out.png") {
    arguments.insert(arguments.begin(), {in, dir_ / out, "--force"});
    const auto done = run(arguments);
    EXPECT_EQ(done.status, 0) << done.err;
    return read(dir_ / out);
  }
  cv::Mat read(const std::string& path) {
    const std::string bytes = content_of(path);
    const auto decoded =
        workerproc::decode(std::as_bytes(std::span(bytes)), {workerproc::PixelLayout::kRgba, 0}, picture_);
    EXPECT_TRUE(decoded) << path;
    EXPECT_FALSE(picture_.damaged) << picture_.warning;
    cv::Mat bgra;
    cv::cvtColor(cv::Mat(static_cast<int>(picture_.height_px), static_cast<int>(picture_.width_px), CV_8UC4,
                         picture_.pixels.data(), picture_.stride_bytes),
                 bgra, cv::COLOR_RGBA2BGRA);
    return bgra;
  }
  static cv::Mat bgra_of(const cv::Mat& bgr) {
    cv::Mat bgra;
    cv::cvtColor(bgr, bgra, cv::COLOR_BGR2BGRA);
    return bgra;
  }
  static double largest_difference(const cv::Mat& a, const cv::Mat& b) {
    EXPECT_EQ(a.size(), b.size());
    return a.size() == b.size() ? cv::norm(a, b, cv::NORM_INF) : 256;
  }

  test::TempDir dir_;
  workerproc::Picture picture_;
};

// 1200 x 900 in, 1500 x 1100 out: both several times what a lane holds.
TEST_F(Transform, BandsAndWorkersDoNotShowInTheOutput) {
  const std::string in = write("in.png", test::encode_png(test::draw_picture(1, 1200, 900)));
  const std::vector<std::vector<std::string>> maps = {
      {"--map", "transverse-mercator"},
      {"--map", "transverse-mercator", "--precision", "tutorial"},
      {"--map", "equirectangular", "--size", "1500x1100"},
      {"--map", "rotate", "--angle", "31", "--expand", "--fill", "#102030"},
      {"--map", "resize", "--size", "1500x1100"},
      {"--map", "resize", "--size", "40%"}};
  for (const auto& map : maps) {
    const auto output = [&](const std::string& out, std::vector<std::string> how) {
      how.insert(how.begin(), map.begin(), map.end());
      transformed(in, how, out);
      return content_of(dir_ / out);
    };
    const std::string png = output("out.png", {"--jobs", "1"}), pnm = output("out.ppm", {"--jobs", "1"});
    EXPECT_EQ(largest_difference(read(dir_ / "out.png").clone(), read(dir_ / "out.ppm")), 0) << map[1];
    EXPECT_EQ(output("out.png", {"--jobs", "3"}), png) << map[1];
    EXPECT_EQ(output("out.png", {"--jobs", "2", "--band", "auto"}), png) << map[1];
    for (const std::string band : {"1", "7", "100000"})
      EXPECT_EQ(output("out.ppm", {"--jobs", "2", "--band", band}), pnm) << map[1] << " " << band;
    const cv::Mat whole = read(dir_ / "out.ppm").clone();
    output("odd.png", {"--band", "5"});
    EXPECT_EQ(largest_difference(read(dir_ / "odd.png"), whole), 0) << map[1];
  }
}

TEST_F(Transform, AKilledWorkerChangesNothing) {
  const std::string in = write("in.png", test::encode_png(test::draw_picture(2, 1500, 1000)));
  const std::vector<std::string> how = {"--map",  "rotate", "--angle",         "10",      "--size", "3000x2000",
                                        "--jobs", "2",      "--interpolation", "bicubic", "-q"};
  transformed(in, how, "calm.png");
  const std::string calm = content_of(dir_ / "calm.png");
  std::mt19937 random(3);
  int kills = 0;
  for (int round = 0; round < 6; ++round) {
    const std::string out = dir_ / ("stormy" + std::to_string(round) + ".png");
    std::vector<std::string> command = {PAIRLOOM_PROGRAM, "transform", in, out};
    command.insert(command.end(), how.begin(), how.end());
    test::Running running(command);
    // Three are too few for any task to be given up.
    for (int killed = 0; killed < 3 && !running.ends_within_ms(static_cast<int>(random() % 80));) {
      if (test::kill_a_child(running.pid(), random())) ++killed, ++kills;
    }
    ASSERT_EQ(running.wait(), 0);
    EXPECT_TRUE(content_of(out) == calm) << "round " << round;
  }
  EXPECT_GE(kills, 6);
}

TEST_F(Transform, InterruptedItLeavesNothing) {
  const std::string in = write("in.png", test::encode_png(test::draw_picture(2, 600, 400)));
  test::Running running({PAIRLOOM_PROGRAM, "transform", in, dir_ / "out.png", "--map", "rotate", "--angle", "10", "--size",
                         "9000x9000", "--interpolation", "bicubic", "-q"});
  while (test::children_of(running.pid()).empty() && !running.ends_within_ms(1)) {
  }
  running.kill(SIGTERM);
  EXPECT_EQ(running.wait(), 130);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_.path()), {}), 1);
}

TEST_F(Transform, QuarterTurnsMoveWholePixels) {
  const cv::Mat image = test::draw_picture(4, 300, 200);
  const std::string in = write("in.png", test::encode_png(image));
  cv::Mat expected;
  cv::rotate(bgra_of(image), expected, cv::ROTATE_90_COUNTERCLOCKWISE);
  EXPECT_EQ(largest_difference(transformed(in, {"--map", "rotate", "--angle", "90", "--expand"}), expected), 0);
  cv::rotate(bgra_of(image), expected, cv::ROTATE_180);
  EXPECT_EQ(largest_difference(transformed(in, {"--map", "rotate", "--angle", "-180"}), expected), 0);
}

TEST_F(Transform, RemapAgreesWithOpenCv) {
  const cv::Mat image = test::draw_picture(5, 320, 240);
  const std::string in = write("in.png", test::encode_png(image));
  cv::Mat x(150, 200, CV_32F), y(150, 200, CV_32F), expected;
  for (int r = 0; r < x.rows; ++r)
    for (int c = 0; c < x.cols; ++c) {  // a swirl that stays inside
      x.at<float>(r, c) = 160 + 100 * std::sin(static_cast<float>(c) / 40) * std::cos(static_cast<float>(r) / 90);
      y.at<float>(r, c) = 120 + 90 * std::sin(static_cast<float>(r) / 35);
    }
  cv::remap(bgra_of(image), expected, x, y, cv::INTER_LINEAR);
  const std::string map_x = dir_.write("x.npy", npy(x)), map_y = dir_.write("y.npy", npy(y));
  const cv::Mat is = transformed(in, {"--map", "remap", "--map-x", map_x, "--map-y", map_y});
  // OpenCV rounds positions to 1/32 pixel.
  EXPECT_LE(cv::norm(is, expected, cv::NORM_L1) / static_cast<double>(4 * is.total()), 0.5);
  EXPECT_LE(largest_difference(is, expected), 10);

  const auto done = run({in, dir_ / "o.png", "--map", "remap", "--map-x", map_x, "--map-y", in});
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("in.png': not a NumPy .npy file"));
}

TEST_F(Transform, ResizeAgreesWithOpenCvsArea) {
  const cv::Mat image = test::draw_picture(6, 640, 480);
  cv::Mat expected;
  cv::resize(bgra_of(image), expected, {200, 96}, 0, 0, cv::INTER_AREA);
  const std::string in = write("in.png", test::encode_png(image));
  EXPECT_LE(largest_difference(transformed(in, {"--map", "resize", "--size", "200x96"}), expected), 1);
}

TEST_F(Transform, KeepsGrayColourAndTransparency) {
  cv::Mat image = test::draw_picture(7, 90, 60), gray, bgra = bgra_of(image);
  cv::cvtColor(image, gray, cv::COLOR_BGR2GRAY);
  for (int y = 0; y < 60; ++y)
    for (int x = 0; x < 90; ++x) bgra.at<cv::Vec4b>(y, x)[3] = static_cast<uchar>(255 - x);
  const std::vector<std::string> same = {"--map", "resize", "--size", "100%"};
  using Colour = test::PngOptions::Colour;

  cv::Mat is = transformed(write("gray.png", test::encode_png(gray, {.colour = Colour::kGray})), same);
  EXPECT_TRUE(picture_.is_gray);
  cv::extractChannel(is, is, 0);
  EXPECT_EQ(largest_difference(is, gray), 0);

  is = transformed(write("rgb.png", test::encode_png(image)), same);
  EXPECT_FALSE(picture_.has_alpha);
  EXPECT_EQ(largest_difference(is, bgra_of(image)), 0);

  const std::string rgba = write("rgba.png", test::encode_png(bgra, {.colour = Colour::kRgba}));
  is = transformed(rgba, same);
  EXPECT_TRUE(picture_.has_alpha);
  // Colour comes through alpha and back: exact where opaque.
  EXPECT_LE(largest_difference(is, bgra), 1);
  EXPECT_EQ(run({rgba, dir_ / "out.ppm", "--map", "resize", "--size", "50%"}).status, 2);  // PPM has no alpha

  // A coloured edge makes a gray picture coloured, a transparent one adds alpha.
  is = transformed(dir_ / "gray.png", {"--map", "rotate", "--angle", "45", "--fill", "#ff0000"});
  EXPECT_EQ(is.at<cv::Vec4b>(0, 0), cv::Vec4b(0, 0, 255, 255));
  is = transformed(dir_ / "rgb.png", {"--map", "rotate", "--angle", "45", "--fill", "transparent"});
  EXPECT_EQ(is.at<cv::Vec4b>(0, 0), cv::Vec4b(0, 0, 0, 0));
  EXPECT_EQ(is.at<cv::Vec4b>(30, 45)[3], 255);
}

TEST_F(Transform, ShowsPicturesUpright) {
  const cv::Mat stored = test::draw_picture(8, 70, 50);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    cv::Mat shown = bgra_of(stored);
    if (orientation == 5 || orientation == 7) cv::transpose(shown, shown);
    if (orientation == 2) cv::flip(shown, shown, 1);
    if (orientation == 3 || orientation == 7) cv::rotate(shown, shown, cv::ROTATE_180);
    if (orientation == 4) cv::flip(shown, shown, 0);
    if (orientation == 6) cv::rotate(shown, shown, cv::ROTATE_90_CLOCKWISE);
    if (orientation == 8) cv::rotate(shown, shown, cv::ROTATE_90_COUNTERCLOCKWISE);
    const std::string in = write("in.png", test::encode_png(stored, {.orientation = orientation}));
    EXPECT_EQ(largest_difference(transformed(in, {"--map", "resize", "--size", "100%"}), shown), 0) << orientation;
  }
}

TEST_F(Transform, SixteenBitsBecomeEightAndThatIsSaid) {
  const std::string in = write("in.png", test::encode_png(test::draw_picture(9, 40, 30), {.bits = 16}));
  const auto done = run({in, dir_ / "out.png", "--map", "resize", "--size", "100%"});
  EXPECT_EQ(done.status, 0);
  EXPECT_THAT(done.err, HasSubstr("has 16 bits a sample, the output 8"));
}

TEST_F(Transform, NeverOverwritesUnasked) {
  const std::string in = write("in.png", test::encode_png(test::draw_picture(1, 40, 30)));
  const std::string precious = dir_.write("out.png", "precious"), link = dir_ / "link.png";
  const auto refused = run({in, precious, "--map", "resize", "--size", "50%"});
  EXPECT_EQ(refused.status, 6);
  EXPECT_THAT(refused.err, HasSubstr("exists already; --force overwrites it"));
  EXPECT_EQ(content_of(precious), "precious");
  EXPECT_EQ(run({in, precious, "--map", "resize", "--size", "50%", "--force"}).status, 0);
  EXPECT_NE(content_of(precious), "precious");
  const std::string before = content_of(in);
  fs::create_symlink(in, link);
  for (const auto& itself : {in, link})
    EXPECT_EQ(run({in, itself, "--map", "resize", "--size", "50%", "--force"}).status, 6) << itself;
  EXPECT_EQ(content_of(in), before);
}

TEST_F(Transform, InputsThatCannotBeUsedAreNamed) {
  const std::string text = dir_.write("text.png", "this is no picture"), missing = dir_ / "missing.png";
  const auto whole = test::encode_png(test::draw_picture(1, 90, 60));
  const std::string half = write("half.png", {whole.begin(), whole.begin() + static_cast<long>(whole.size() / 2)});
  const std::pair<std::string, std::string> kCases[] = {
      {text, "text.png': not an image of a known format"}, {missing, "missing.png': No such file"}, {half, "half.png': PNG"}};
  for (const auto& [in, why] : kCases) {
    const auto done = run({in, dir_ / "out.png", "--map", "resize", "--size", "50%"});
    EXPECT_EQ(done.status, 3) << in;
    EXPECT_THAT(done.err, HasSubstr(why));
    EXPECT_FALSE(fs::exists(dir_ / "out.png"));
  }
  const std::string good = write("good.png", whole);
  const auto nowhere = run({good, dir_ / "no/such/out.png", "--map", "resize", "--size", "50%"});
  EXPECT_EQ(nowhere.status, 7);
  EXPECT_THAT(nowhere.err, HasSubstr("no/such/out.png': No such file"));
  fs::create_symlink(good, dir_ / "link.png");
  EXPECT_EQ(run({dir_ / "link.png", dir_ / "out.png", "--map", "resize", "--size", "50%"}).status, 0);
}

TEST_F(Transform, OptionsThatCannotBeAreUsageErrors) {
  const std::string in = write("in.png", test::encode_png(test::draw_picture(1, 40, 30))), out = dir_ / "out.png";
  const std::vector<std::vector<std::string>> kWrong = {
      {in, out},
      {in, out, "--map", "sideways"},
      {in, out, "--map", "rotate"},
      {in, out, "--map", "rotate", "--angle", "east"},
      {in, out, "--map", "rotate", "--angle", "5", "--size", "10x10", "--expand"},
      {in, out, "--map", "resize"},
      {in, out, "--map", "resize", "--size", "0x10"},
      {in, out, "--map", "resize", "--size", "x"},
      {in, out, "--map", "resize", "--size", "-5%"},
      {in, out, "--map", "resize", "--size", "9999999x1"},
      {in, out, "--map", "resize", "--size", "50%", "--angle", "3"},
      {in, out, "--map", "resize", "--size", "50%", "--latitude-limit", "80"},
      {in, out, "--map", "mercator", "--latitude-limit", "90"},
      {in, out, "--map", "mercator", "--precision", "tutorial"},
      {in, out, "--map", "transverse-mercator", "--precision", "tutorial", "--size", "10x10"},
      {in, out, "--map", "mercator", "--interpolation", "area"},
      {in, out, "--map", "mercator", "--fill", "#12345"},
      {in, out, "--map", "mercator", "--band", "0"},
      {in, out, "--map", "remap", "--map-x", "x.npy"},
      {in, dir_ / "out.jpg", "--map", "resize", "--size", "50%"},
  };
  for (const auto& arguments : kWrong) {
    const auto done = run(arguments);
    EXPECT_EQ(done.status, 2) << testing::PrintToString(arguments) << done.err;
    EXPECT_FALSE(done.err.empty());
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_.path()), {}), 1);  // nothing was begun
}

TEST_F(Transform, EqualsTheTutorialsPictures) {
  const char* folder = std::getenv("PAIRLOOM_TEST_DATA");
  if (folder == nullptr) GTEST_SKIP() << "PAIRLOOM_TEST_DATA is not set: no pictures to compare with";
  for (const std::string size : {"720x360", "2000x1000"}) {
    const std::string name = std::string(folder) + "/expected/mercator_" + size;
    const cv::Mat is =
        transformed(name + "_in.png", {"--map", "transverse-mercator", "--precision", "tutorial"}).clone();
    EXPECT_EQ(largest_difference(is, read(name + "_out.png")), 0) << size;
  }
}

}  // namespace
}  // namespace pairloom
