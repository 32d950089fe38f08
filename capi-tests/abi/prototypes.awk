# Copies the declarations of functions and variables out of the headers.

/^(typedef|struct|union|enum|extern)/ { next }
/^[a-zA-Z].*[(;]/ || continued { print; continued = !/;$/ }
