#include "evaluator/candidate/candidate.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

std::vector<CandidateFile> Good() {
  return {{"sorted_output_pass_rule_names.json", "[\"A\"]"}, {"A.py", "import torch\n"}, {"k.cc", "int x;\n"}};
}

std::string ErrorOf(CandidateFile extra) {
  auto files = Good();
  files.push_back(std::move(extra));
  auto made = MakeCandidate(std::move(files));
  return made ? "" : made.error().context;
}

TEST(CandidateTest, FilesAreSortedAndKernelsAreNamed) {
  auto made = MakeCandidate(Good()).value();
  EXPECT_EQ(made.files[0].name, "A.py");
  EXPECT_EQ(made.kernels, std::vector<std::string>{"k"});
}

TEST(CandidateTest, CudaKernelsAreNamedApart) {
  auto files = Good();
  files.push_back({"c.cu", "int y;\n"});
  files.push_back({"sub/d.cu", "int z;\n"});
  auto made = MakeCandidate(std::move(files)).value();
  EXPECT_EQ(made.kernels, std::vector<std::string>{"k"});
  EXPECT_EQ(made.cuda_kernels, std::vector<std::string>{"c"});
  EXPECT_NE(ErrorOf({"k.cu", "int y;\n"}).find("k.cc and k.cu are one kernel's name"), std::string::npos);
}

TEST(CandidateTest, NamesThatLeadElsewhereAreRefused) {
  for (const char* name : {"../A.py", "/etc/x.py", "a/../../b.py", "a\\b.py", "a//b.py", "./a.py", "", "a\nb.py", "x.sh",
                           "pass dir.py"}) {
    EXPECT_NE(ErrorOf({name, "x"}), "") << name;
  }
  EXPECT_NE(ErrorOf({std::string(300, 'a') + ".py", ""}), "");
  EXPECT_NE(ErrorOf({std::string("a\0.py", 5), ""}), "");
  EXPECT_EQ(ErrorOf({"sub/helper.py", "x = 1\n"}), "");
}

TEST(CandidateTest, ContentIsBoundedText) {
  EXPECT_NE(ErrorOf({"B.py", std::string(kMaxCandidateFileBytes + 1, 'x')}).find("limit"), std::string::npos);
  EXPECT_NE(ErrorOf({"B.py", std::string("a\0b", 3)}), "");
  EXPECT_NE(ErrorOf({"B.py", "\xff\xfe"}), "");
  EXPECT_NE(ErrorOf({"B.py", "\xed\xa0\x80"}), "");  // a surrogate
  EXPECT_NE(ErrorOf({"B.py", "\xc3"}), "");          // cut at the end
  EXPECT_EQ(ErrorOf({"B.py", "# \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n"}), "");
  EXPECT_NE(ErrorOf({"A.py", "twice"}).find("twice"), std::string::npos);
}

TEST(CandidateTest, MissingRuleListIsNamed) {
  EXPECT_NE(MakeCandidate({{"A.py", ""}}).error().context.find("sorted_output_pass_rule_names.json"), std::string::npos);
}

TEST(ReadPassDirTest, FollowsNoLinkAndRefusesOversizedFiles) {
  fakes::TempFolder folder("pass-dir");
  const std::filesystem::path& dir = folder.path();
  std::ofstream(dir / "A.py") << "x";
  std::filesystem::create_directory(dir / "__pycache__");
  std::ofstream(dir / "__pycache__" / "A.pyc") << "binary";
  EXPECT_EQ(ReadPassDir(dir).value().size(), 1u);
  std::filesystem::create_symlink("/etc/passwd", dir / "B.py");
  EXPECT_EQ(ReadPassDir(dir).error().code, ErrorCode::kInvalidArgument);
  std::filesystem::remove(dir / "B.py");
  std::ofstream(dir / "C.py") << std::string(50u << 20, 'x');
  auto large = ReadPassDir(dir);
  ASSERT_TRUE(large.has_error());
  EXPECT_EQ(large.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(large.error().context.find("C.py"), std::string::npos);
}

}  // namespace
}  // namespace passnet::evaluator
