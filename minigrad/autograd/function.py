INTERNAL=True
class Function: pass
