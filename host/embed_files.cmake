# Writes files as a C table of far_embedded: cmake -D OUT=… -D SYMBOL=…
# -D BASE=… -D "FILES=a;b" -P embed_files.cmake. Names are relative to BASE.
set(arrays "")
set(rows "")
set(count 0)
foreach(path IN LISTS FILES)
  file(READ "${BASE}/${path}" bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  string(APPEND arrays
         "static const unsigned char file_${count}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"${path}\", (const char *)file_${count}, "
                     "sizeof file_${count} - 1},\n")
  math(EXPR count "${count} + 1")
endforeach()
file(WRITE "${OUT}" "#include \"embedded.h\"\n\n${arrays}\n"
     "const far_embedded ${SYMBOL}[] = {\n${rows}    {0, 0, 0}};\n")
