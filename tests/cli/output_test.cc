#include "cli/output.h"
#include "tests/cli/columns.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace passnet::cli {
namespace {

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string WithoutSpaces(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return text;
}

TEST(TableTest, ColumnsAreAsWideAsTheirWidestCellAndNumbersStandRight) {
  Table table({"task", "time", "note"});
  table.Add({"gelu", "12.3 µs", "fast"});
  table.Add({"layernorm", "4.56 ms", ""});
  EXPECT_EQ(table.Text(),
            "task          time  note\n"
            "gelu       12.3 µs  fast\n"
            "layernorm  4.56 ms\n");
  EXPECT_EQ(table.Text(120), table.Text());
}

// The line of a jail's control groups made doctor's table 300 columns wide.
TEST(TableTest, WhatAJailHasFitsTheScreen) {
  const std::string jail =
      "namespaces: user,mount,pid,net,ipc,uts; no new privileges; seccomp: 1 filter; capabilities: none; uid: 65534; "
      "cgroup: pids:/passnet-run-16891-1,memory:/process_api/031bb4020b9fba36f39f5e7eccc588e9/passnet-run-16891-1,"
      "cpuacct:/passnet-run-16891-1; landlock: ABI 7";
  Table table({"what", "state", "found", "what to do"});
  table.Add({"sandbox: a whole jail", "ok", jail, ""});
  table.Add({"GPU", "absent", "no /dev/nvidia0", "CPU lanes work without one"});
  const std::vector<std::string> lines = Lines(table.Text(kScreenColumns));
  std::string found;
  for (const std::string& line : lines) {
    EXPECT_LE(Columns(line), kScreenColumns) << line;
    found += line;
  }
  EXPECT_GT(lines.size(), 4u);
  // Nothing is lost, and the short columns stay as they were.
  EXPECT_NE(WithoutSpaces(found).find(WithoutSpaces(jail)), std::string::npos) << found;
  EXPECT_TRUE(lines[1].starts_with("sandbox: a whole jail  ok      namespaces: user,mount,pid,net,ipc,uts; "));
  EXPECT_NE(lines.back().find("absent  no /dev/nvidia0"), std::string::npos) << lines.back();
}

TEST(TableTest, CellsBreakBehindSpacesAndCommasAndElseInsideAWord) {
  Table table({"a", "b"});
  table.Add({"x", "one two,three fourfivesix"});
  EXPECT_EQ(table.Text(11),
            "a  b\n"
            "x  one two,\n"
            "   three\n"
            "   fourfive\n"
            "   six\n");
}

TEST(TableTest, CharactersAreNotCutInHalf) {
  Table table({"a", "b"});
  table.Add({"x", "µµµµµµ"});
  EXPECT_EQ(table.Text(7),
            "a  b\n"
            "x  µµµµ\n"
            "   µµ\n");
}

TEST(TableTest, TooNarrowAScreenEndsNevertheless) {
  Table table({"a", "b", ""});
  table.Add({"xy", "zw", ""});
  EXPECT_EQ(table.Text(1),
            "a  b\n"
            "x  z\n"
            "y  w\n");
}

TEST(FailTest, NamesThatAreTakenAreTheUsersToChange) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(Fail(Error{ErrorCode::kAlreadyExists, "out: exists"}), 2);
  EXPECT_EQ(Fail(Error{ErrorCode::kUnavailable, "gone"}), 3);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "passnet: out: exists\npassnet: gone\n");
}

}  // namespace
}  // namespace passnet::cli
