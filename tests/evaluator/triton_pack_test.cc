// What a compile child of Triton's hands on, whole and damaged: only plain kernels of the lane's own device pass.
#include <elf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "base/json.h"
#include "evaluator/compile/triton_pack.h"

namespace passnet::evaluator {
namespace {

using testing::HasSubstr;

const std::string kPackKey(52, 'A');
const std::string kOtherKey(52, '7');

std::string DeviceCode() {
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_machine = 190;
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

std::string MetadataOf(int architecture) {
  return Json{{"name", "k"}, {"target", Json{{"backend", "cuda"}, {"arch", architecture}, {"warp_size", 32}}}}.Dump();
}

using PackedFiles = std::vector<std::pair<std::string, std::string>>;

std::string PackOf(const PackedFiles& files) {
  Json list = Json::MakeArray();
  std::string bytes;
  for (const auto& [name, content] : files) {
    list.Push({{"name", name}, {"size", content.size()}});
    bytes += content;
  }
  const std::string head = list.Dump();
  const auto size = static_cast<uint32_t>(head.size());
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + head + bytes;
}

PackedFiles OneKernel() {
  return {{kPackKey + "/k.cubin", DeviceCode()}, {kPackKey + "/k.json", MetadataOf(90)}};
}

std::string ProblemOfPack(const std::string& pack) {
  auto files = ReadTritonPack(pack, "sm_90");
  if (files) return "";
  EXPECT_EQ(files.error().code, ErrorCode::kDataCorrupt);
  return files.error().context;
}

std::string ProblemWith(std::pair<std::string, std::string> more) {
  PackedFiles files = OneKernel();
  files.push_back(std::move(more));
  return ProblemOfPack(PackOf(files));
}

TEST(TritonPackTest, KernelsAndAutotunesPass) {
  PackedFiles files = OneKernel();
  files.emplace_back(kOtherKey + "/k.autotune.json", R"({"key": [1], "configs_timings": []})");
  const std::string pack = PackOf(files);
  auto read = ReadTritonPack(pack, "sm_90");
  ASSERT_TRUE(read) << read.error().context;
  ASSERT_EQ(read.value().size(), 3u);
  EXPECT_EQ(read.value()[0].bytes, DeviceCode());
  EXPECT_TRUE(ReadTritonPack(PackOf({}), "sm_90"));
  EXPECT_TRUE(ReadTritonPack(pack, "sm_90a"));
}

TEST(TritonPackTest, NamesThatLeadElsewhereAreRefused) {
  for (const std::string& name :
       {std::string("k.cubin"), "../" + kPackKey + "/k.cubin", kPackKey + "/../k.cubin", kPackKey + "/", kPackKey + "/k.so",
        kPackKey + "/.cubin", kPackKey + "/a.b.cubin", kPackKey + "/k\n.cubin", kPackKey + "/\xD0\xBA.cubin",
        kPackKey + "/1k.cubin", "/" + kPackKey + "/k.cubin", std::string(52, 'a') + "/k.cubin", std::string(4000, 'A')}) {
    const std::string problem = ProblemWith({name, DeviceCode()});
    EXPECT_THAT(problem, HasSubstr("its compiled kernels: ")) << name;
    EXPECT_LT(problem.size(), 400u);
  }
}

TEST(TritonPackTest, FoldersThatAreNoKernelAreRefused) {
  EXPECT_THAT(ProblemOfPack(PackOf({{kPackKey + "/k.cubin", DeviceCode()}})), HasSubstr("is no kernel"));
  EXPECT_THAT(ProblemOfPack(PackOf({{kPackKey + "/k.cubin", DeviceCode()}, {kPackKey + "/j.json", MetadataOf(90)}})),
              HasSubstr("is no kernel"));
  EXPECT_THAT(ProblemWith({kPackKey + "/j.cubin", DeviceCode()}), HasSubstr("two files of one kind"));
  EXPECT_THAT(ProblemWith({kPackKey + "/k.cubin", DeviceCode()}), HasSubstr("two files of one kind"));
  EXPECT_THAT(ProblemWith({kPackKey + "/k.autotune.json", "{}"}), HasSubstr("an autotune and more"));
  EXPECT_THAT(ProblemWith({kOtherKey + "/k.autotune.json", "{"}), HasSubstr("is no JSON"));
}

TEST(TritonPackTest, ContentsMustBeOfTheLanesDevice) {
  PackedFiles other = OneKernel();
  other[1].second = MetadataOf(80);
  EXPECT_THAT(ProblemOfPack(PackOf(other)), HasSubstr("is of another device than sm_90"));
  other[1].second = R"({"name": "k"})";
  EXPECT_THAT(ProblemOfPack(PackOf(other)), HasSubstr("is of another device than sm_90"));
  other = OneKernel();
  other[0].second = "#!/bin/sh\n";
  EXPECT_THAT(ProblemOfPack(PackOf(other)), HasSubstr("is no device code"));
  other[0].second = DeviceCode();
  other[0].second[18] = EM_X86_64;  // e_machine
  EXPECT_THAT(ProblemOfPack(PackOf(other)), HasSubstr("is no device code"));
}

TEST(TritonPackTest, SizesMustFit) {
  const std::string good = PackOf(OneKernel());
  EXPECT_EQ(ProblemOfPack(good), "");
  EXPECT_THAT(ProblemOfPack(good + "x"), HasSubstr("more bytes than the list names"));
  EXPECT_THAT(ProblemOfPack(good.substr(0, good.size() - 1)), HasSubstr("promises more bytes"));
  EXPECT_THAT(ProblemOfPack(""), HasSubstr("no pack"));
  EXPECT_THAT(ProblemOfPack(std::string(8, '\xff')), HasSubstr("longer than it"));
  PackedFiles many;
  for (size_t i = 0; i <= kMaxTritonFiles; ++i) many.emplace_back(kPackKey + "/k.cubin", "");
  EXPECT_THAT(ProblemOfPack(PackOf(many)), HasSubstr("512 files"));
  EXPECT_NE(ProblemOfPack(PackOf({{kPackKey + "/k.cubin", std::string(kMaxTritonFileBytes + 1, 'x')}})), "");
}

// Any damage gives an Error or a reading that holds what was asked for, and never a read outside of the bytes.
TEST(TritonPackTest, DamagedPacksAreReadWithinBounds) {
  const std::string good = PackOf(OneKernel());
  std::mt19937 draw(5);
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = good;
    for (int flips = 0; flips < 3; ++flips) damaged[draw() % damaged.size()] = static_cast<char>(draw());
    if (i % 3 == 0) damaged.resize(draw() % damaged.size());
    auto files = ReadTritonPack(damaged, "sm_90");
    if (!files) continue;
    for (const TritonFile& file : files.value()) EXPECT_EQ(file.name.find(".."), std::string::npos);
  }
}

}  // namespace
}  // namespace passnet::evaluator
