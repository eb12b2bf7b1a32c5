# Turns files into C: cmake -D OUTPUT=parts.c -D FILES="a.css;b.js" -P this.
# far_a_css[] and far_a_css_bytes, and so on. Bytes, and not strings: no compiler
# need take strings as long as these.
set(source "#include \"page_parts.h\"\n")
foreach(file IN LISTS FILES)
  get_filename_component(name "${file}" NAME)
  string(REPLACE "." "_" name "${name}")
  file(READ "${file}" bytes HEX)
  string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND source "\nconst unsigned char far_${name}[] = {\n${bytes}};\n"
    "const size_t far_${name}_bytes = sizeof far_${name};\n")
endforeach()
file(WRITE "${OUTPUT}" "${source}")
